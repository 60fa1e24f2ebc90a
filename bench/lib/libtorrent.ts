import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { PYTHON } from './tools.ts'

const SCRIPT = join(import.meta.dirname, 'libtorrent_peer.py')
const PIECE_LOG2 = String(Math.log2(CHUNK_SIZE))

/** Makes a v1 torrent of a file or folder, with chunk-sized pieces. */
export function makeTorrent(path: string, torrent: string): void {
  const words = ['-l', PIECE_LOG2, '-a', 'http://127.0.0.1:1/announce', '-o', torrent, path]
  execFileSync('mktorrent', words, { stdio: ['ignore', 'ignore', 'inherit'] })
}

export interface TorrentPeer {
  /** Resolves when the peer listens and, for a seed, has loaded its torrents. */
  ready: Promise<void>
  /** Makes a leecher add the next torrent. Resolves when the download is complete. */
  fetch(): Promise<void>
  stop(): Promise<void>
}

/** Starts a peer at `ip:port` that knows `others`. `under` is a command prefix. */
export function torrentPeer(
  mode: 'seed' | 'leech',
  at: { torrents: readonly string[]; folder: string; ip: string; port: number },
  others: readonly string[] = [],
  under: readonly string[] = [],
): TorrentPeer {
  const args = [SCRIPT, mode, at.torrents.join(':'), at.folder, at.ip, String(at.port), ...others]
  const [program, ...words] = [...under, PYTHON, ...args] as [string, ...string[]]
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async (): Promise<void> => {
    if ((await lines.next()).done) throw new Error('the libtorrent peer exited early')
  }
  const fetch = async (): Promise<void> => {
    child.stdin.write('go\n')
    await line()
  }
  return { ready: line(), fetch, stop: () => stop(child) }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.stdin?.end()
  await ended
}
