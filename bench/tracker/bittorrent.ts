import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { clientRequest } from '../../testkit/http.ts'
import { toMeasuredCore } from '../lib/cores.ts'
import { cleanly } from '../lib/on-signal.ts'
import type { Peer } from './population.ts'

/** Runs `use` with the URL of bittorrent-tracker's HTTP tracker, which runs on the measured core. */
export async function withBittorrentTracker(use: (url: string) => Promise<void>): Promise<void> {
  const script = join(import.meta.dirname, 'bittorrent-server.ts')
  const server = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const live = async (): Promise<void> => {
    const ended = once(server, 'exit').then(() => null)
    const line = await Promise.race([once(createInterface({ input: server.stdout }), 'line'), ended])
    if (line === null) throw new Error('bittorrent-tracker did not start')
    toMeasuredCore(server.pid!)
    await use(`http://127.0.0.1:${line[0]}`)
  }
  await cleanly(live, async () => {
    if (server.exitCode !== null) return
    const ended = once(server, 'exit')
    server.kill('SIGKILL')
    await ended
  })
}

/**
 * The same peers and files in BitTorrent's terms; its protocol announces one file at a time. Answers name one
 * peer, the minimum that this tracker allows.
 */
export function bittorrentRequests(url: string, peers: readonly Peer[]): string[] {
  return peers.flatMap(({ announce: { peer, port, files } }) =>
    files.map(({ fileId, complete }) => {
      const parts = [
        `info_hash=${escaped(fileId)}`,
        `peer_id=${escaped(peer)}`,
        `port=${port}`,
        `uploaded=0&downloaded=0&left=${complete ? 0 : 1}&compact=1&numwant=1`,
      ]
      return clientRequest(url, 'GET', `/announce?${parts.join('&')}`, {})
    }),
  )
}

/** The first 20 bytes of a hex string, percent-encoded. */
const escaped = (hex: string): string => hex.slice(0, 40).replace(/../g, '%$&')
