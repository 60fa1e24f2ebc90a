import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Peer, ProgressListener } from '../../peer/control/api.ts'
import { connectPeer } from '../../peer/control/client.ts'
import type { PeerExtension } from '../../peer/seam.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { currentToken } from '../home/session.ts'
import { trackerClient } from '../home/tracker-client.ts'
import { startDetached } from '../process/detach.ts'
import { interrupt } from '../process/interrupt.ts'
import { processLog } from '../process/log.ts'
import { createProgress, type ProgressMode } from '../render/progress.ts'
import { type ListenAddress, MAX_TIMER_MS } from '../text/parse.ts'

/** How a command reaches its home's peer. */
export interface PeerChoice {
  home: string
  /** Plugins' parts of a peer in this process. */
  extensions(): Promise<PeerExtension[]>
  trackers: string[]
  /** If no peer is running, start one in this process for this command, not in the background. */
  once: boolean
  /** How long a peer in this process keeps serving after the work, in milliseconds. */
  seedForMs: number
  tls: boolean
  /** File with an additional authority for the trackers' certificates. */
  trackerCa: string | undefined
  logLevel: string
  progress: ProgressMode
}

/** A command's work with a peer. It reports the peer's progress. */
export type PeerWork<T> = (peer: Peer, progress: ProgressListener) => Promise<T>

export const ANY_ADDRESS: ListenAddress = { host: '0.0.0.0', port: 0 }

/**
 * Runs `work` with the home's peer: the running one, else one in this process with `once`, else a new one in the
 * background. Shows its progress, and prints the result before a peer in this process keeps serving.
 */
export async function withPeer<T>(
  choice: PeerChoice,
  work: PeerWork<T>,
  tell: (result: T) => void,
): Promise<void> {
  interrupt.takeOver()
  const running = await connectPeer(choice.home)
  if (running) return tell(await followed(choice, running, work))
  if (!choice.once) return tell(await followed(choice, await startInBackground(choice), work))
  const peer = await startHere(choice, ANY_ADDRESS)
  try {
    tell(await followed(choice, peer, work))
    await serveFor(choice.seedForMs)
  } finally {
    await peer.stop()
  }
}

async function followed<T>({ progress: mode }: PeerChoice, peer: Peer, work: PeerWork<T>): Promise<T> {
  interrupt.signal.throwIfAborted()
  const progress = await createProgress(mode, process.stderr)
  try {
    return await work(peer, progress.listener)
  } catch (error) {
    if (error instanceof ShoalError) progress.listener({ event: 'error', ...error.toJSON() })
    throw error
  } finally {
    progress.close()
  }
}

async function serveFor(ms: number): Promise<void> {
  const end = performance.now() + ms
  for (let left = ms; left > 0 && !interrupt.signal.aborted; left = end - performance.now())
    await delay(Math.min(left, MAX_TIMER_MS), undefined, { signal: interrupt.signal }).catch(() => {})
  process.exitCode = interrupt.exitCode ?? 0
}

/** Starts the home's peer in this process. */
export async function startHere(
  choice: Pick<PeerChoice, 'home' | 'extensions' | 'trackers' | 'tls' | 'logLevel'> & {
    queue?: string | undefined
  },
  listen: ListenAddress,
) {
  const { startPeer } = await import('../../peer/start.ts')
  const { home, trackers, tls, logLevel, queue } = choice
  const client = trackerClient(home, trackers)
  const session = (): string | null => currentToken(home)
  const extensions = await choice.extensions()
  return startPeer({ home, listen, tls, client, session, queue, extensions, log: processLog(logLevel) })
}

async function startInBackground(choice: PeerChoice): Promise<Peer> {
  const { home } = choice
  await startDetached(['peer', 'start', ...backgroundFlags(choice)], peerLogFile(home)).catch(
    (error: unknown) => {
      // Another command started it first.
      if (!(error instanceof ShoalError) || error.code !== 'ALREADY_RUNNING') throw error
    },
  )
  const peer = await connectPeer(home)
  if (peer) return peer
  throw new ShoalError('PEER_STOPPED', 'the peer of this home stopped while it was starting', {
    hint: `see its log: ${peerLogFile(home)}`,
  })
}

/** This command's settings as explicit flags: an environment variable such as SHOAL_LISTEN may be meant for a tracker. */
function backgroundFlags({ home, trackers, tls, trackerCa, logLevel }: PeerChoice): string[] {
  return [
    ...['--home', home, '--tracker', trackers.join(','), '--log-level', logLevel],
    ...['--listen', `${ANY_ADDRESS.host}:${ANY_ADDRESS.port}`],
    ...(trackerCa ? ['--tracker-ca', trackerCa] : []),
    ...(tls ? [] : ['--no-tls']),
  ]
}

export const peerLogFile = (home: string): string => join(home, 'peer.log')
