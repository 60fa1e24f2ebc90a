import { type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import { errorFromBody, ShoalError } from '../../protocol/errors.ts'
import { socketPath } from '../../redis/embedded/socket-path.ts'
import type {
  DownloadResult,
  Peer,
  PeerStatus,
  ProgressEvent,
  ProgressListener,
  TreeResult,
  UploadResult,
  VerifyResult,
} from './api.ts'

export const controlSocket = (home: string): string => socketPath(home, 'peer.sock')

/** A peer that runs in another process of this home. */
export interface RemotePeer extends Peer {
  /** Asks it to stop. It may still run for a moment after this resolves. */
  stop(): Promise<void>
}

/** The peer that runs in `home`, or null. */
export async function connectPeer(home: string): Promise<RemotePeer | null> {
  const path = controlSocket(home)
  const ask = <T>(
    route: string,
    body: unknown,
    progress?: ProgressListener,
    signal?: AbortSignal,
  ): Promise<T> => call<T>(path, route, body, progress ?? (() => {}), signal)
  try {
    await ask<PeerStatus>('/status', null)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return null
    throw error
  }
  return {
    upload: (body, progress, signal) => ask<UploadResult>('/upload', body, progress, signal),
    download: (body, progress, signal) => ask<DownloadResult>('/download', body, progress, signal),
    verify: (body, progress, signal) => ask<VerifyResult>('/verify', body, progress, signal),
    tree: (body, progress, signal) => ask<TreeResult>('/tree', body, progress, signal),
    status: () => ask<PeerStatus>('/status', null),
    stop: () => ask('/stop', null),
  }
}

async function call<T>(
  path: string,
  route: string,
  body: unknown,
  progress: ProgressListener,
  signal: AbortSignal | undefined,
): Promise<T> {
  signal?.throwIfAborted()
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({
      socketPath: path,
      path: route,
      method: 'POST',
      headers: { host: 'peer' },
      ...(signal ? { signal } : {}),
    })
      .once('response', resolve)
      .once('error', reject)
      .end(body === null ? '' : JSON.stringify(body))
  }).catch((error: unknown) => {
    throw signal?.aborted ? signal.reason : error
  })
  try {
    for await (const line of createInterface({ input: response })) {
      const message = JSON.parse(line) as { progress?: ProgressEvent; result?: T }
      if (message.progress) progress(message.progress)
      else if ('result' in message) return message.result as T
      else
        throw errorFromBody(message) ?? new ShoalError('INTERNAL', `the peer answered ${line.slice(0, 200)}`)
    }
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    if (error instanceof ShoalError) throw error
  }
  throw new ShoalError('PEER_STOPPED', 'the peer of this home stopped before it was done', {
    hint: 'run the same command again: it continues where it stopped',
  })
}
