import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { encodeError, ShoalError, storageErrorOf } from '../../protocol/errors.ts'
import type {
  DownloadRequest,
  Peer,
  ProgressEvent,
  TreeRequest,
  UploadRequest,
  VerifyRequest,
} from './api.ts'

/** Request sizes in bytes. An upload lists every file of a folder; all other requests are short. */
const MAX_UPLOAD = 64 * 1024 * 1024
const MAX_BODY = 64 * 1024

export interface ControlServer {
  close(): Promise<void>
}

type Work = (
  request: unknown,
  progress: (event: ProgressEvent) => void,
  signal: AbortSignal,
) => Promise<unknown>

/**
 * The home's control socket: HTTP on a unix socket that only the user can open. Each response is NDJSON:
 * `{"progress":…}` lines, then one `{"result":…}` or `{"error":…}`. Closing the connection cancels the request.
 */
export async function startControlServer(
  path: string,
  peer: Peer & { shutdown(): void },
): Promise<ControlServer> {
  const routes: Record<string, Work> = {
    '/status': () => peer.status(),
    '/upload': (request, progress, signal) => peer.upload(request as UploadRequest, progress, signal),
    '/download': (request, progress, signal) => peer.download(request as DownloadRequest, progress, signal),
    '/verify': (request, progress, signal) => peer.verify(request as VerifyRequest, progress, signal),
    '/tree': (request, progress, signal) => peer.tree(request as TreeRequest, progress, signal),
    '/stop': async () => {
      setImmediate(() => peer.shutdown())
      return {}
    },
  }
  const server = createServer((request, response) => {
    const work = Object.hasOwn(routes, request.url ?? '') ? routes[request.url!] : undefined
    answer(work, request, response).catch(() => response.destroy())
  })
  rmSync(path, { force: true })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
  chmodSync(path, 0o600)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  work: Work | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort(new ShoalError('INTERRUPTED', 'the command has ended')))
  const line = (value: unknown): void => {
    if (!response.destroyed) response.write(`${JSON.stringify(value)}\n`)
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  response.flushHeaders()
  try {
    if (!work) throw new ShoalError('ROUTE_NOT_FOUND', 'the running peer has another version of Shoal')
    line({ result: await work(await readBody(request), (event) => line({ progress: event }), gone.signal) })
  } catch (thrown) {
    const error = thrown instanceof Error ? storageErrorOf(thrown) : new Error(String(thrown))
    line({
      error: encodeError(error instanceof ShoalError ? error : new ShoalError('INTERNAL', error.message)),
    })
  }
  response.end()
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const limit = request.url === '/upload' ? MAX_UPLOAD : MAX_BODY
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request) {
    length += (part as Buffer).length
    if (length > limit) throw new ShoalError('TOO_LARGE', `the request is longer than ${limit} bytes`)
    parts.push(part as Buffer)
  }
  return length === 0 ? null : JSON.parse(Buffer.concat(parts).toString())
}
