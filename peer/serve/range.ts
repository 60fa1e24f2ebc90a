import type { IncomingMessage, ServerResponse } from 'node:http'
import { CHUNK_SIZE, type Extent, MAX_EXTENT_CHUNKS } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { parseRange } from '../../protocol/peer-wire.ts'
import type { ByteLimit } from '../wire/byte-limit.ts'
import { closedSignal } from './closed-signal.ts'
import type { Contents, Part } from './contents.ts'
import type { FileReader, ServedFile } from './library.ts'
import { ReadBuffers } from './read-buffers.ts'

/** Large enough to make a read in another thread worthwhile, small enough for many connections. */
const READ_SIZE = 1024 * 1024
const buffers = new ReadBuffers(READ_SIZE, 16)

/**
 * `GET` or `HEAD` of contents: 206 for a range (RFC 9110, 14), 200 for the whole; only held chunks of `file`. When its
 * `turn` has come, a body is read from the reader that `open` returns.
 */
export async function sendRange(
  file: ServedFile,
  contents: Contents,
  request: IncomingMessage,
  response: ServerResponse,
  limit: ByteLimit,
  sent: (bytes: number) => void,
  turn: Promise<void>,
  open: () => Promise<FileReader>,
): Promise<void> {
  const wanted = request.headers.range
  const range = wanted === undefined ? ([0, contents.size] as const) : parseRange(wanted, contents.size)
  const headers = {
    'accept-ranges': 'bytes',
    etag: `"${contents.etag}"`,
    'content-type': 'application/octet-stream',
  }
  if (range === null) {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${contents.size}`, 'content-length': 0 })
    response.end()
    return
  }
  const [start, end] = range
  const parts = contents.parts(start, end)
  const extents = parts.map(extentOf)
  for (const extent of extents) requireHeld(file, extent)
  const partial =
    wanted === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${contents.size}` }
  const status = wanted === undefined ? 200 : 206
  if (request.method === 'HEAD') {
    response.writeHead(status, { ...headers, ...partial, 'content-length': end - start })
    response.end()
    return
  }
  const closed = closedSignal(request.socket)
  if (closed.aborted) return
  // A client that requests more is not a peer of the swarm, and may take long.
  for (const extent of extents) if (extent.count <= MAX_EXTENT_CHUNKS) file.asked?.(extent)
  // Pipelined requests read one at a time, so that waiting ones hold no buffers.
  await turn
  if (closed.aborted) return
  const reader = await open()
  const head = { ...headers, ...partial, 'content-length': end - start }
  await sendBody(reader, () => response.writeHead(status, head), response, parts, limit, sent, closed)
}

/** The chunks that the part touches. */
function extentOf({ start, end }: Part): Extent {
  const first = Math.floor(start / CHUNK_SIZE)
  return { first, count: Math.ceil(end / CHUNK_SIZE) - first }
}

function requireHeld(file: ServedFile, { first, count }: Extent): void {
  if (!file.have.hasRange(first, count))
    throw new ShoalError('CHUNK_NOT_HELD', 'this peer does not hold all of that range yet')
}

async function sendBody(
  reader: FileReader,
  sendHead: () => void,
  response: ServerResponse,
  parts: readonly Part[],
  limit: ByteLimit,
  sent: (bytes: number) => void,
  closed: AbortSignal,
): Promise<void> {
  const step = limit.stepSize(READ_SIZE)
  let inFlight: Promise<void> = Promise.resolve()
  try {
    for (const piece of pieces(parts, step)) {
      const buffer = buffers.take()
      const data = buffer.subarray(0, piece.end - piece.start)
      await reader.read(data, piece.start)
      await limit.take(data.length, closed)
      // After the first read, so that a file of a snapshot that has changed is 410 and not a short body.
      if (!response.headersSent) sendHead()
      // Reads this piece while the one before is being sent.
      await inFlight
      closed.throwIfAborted()
      inFlight = write(response, data, closed)
        .then(() => sent(data.length))
        .finally(() => buffers.give(buffer))
      inFlight.catch(() => {})
    }
    await inFlight
  } catch (error) {
    if (!closed.aborted) throw error
  } finally {
    // Throws if the file changed meanwhile; then the body is cut short.
    await reader.close()
  }
  if (closed.aborted) return
  if (!response.headersSent) sendHead()
  response.end()
}

/** The parts in pieces of at most `step` bytes. */
function* pieces(parts: readonly Part[], step: number): Generator<Part> {
  for (const { start, end } of parts)
    for (let at = start; at < end; at += step) yield { start: at, end: Math.min(end, at + step) }
}

/** Resolves when the socket is done with `data`; rejects when the connection closes first. */
function write(response: ServerResponse, data: Buffer, closed: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(closed.reason as Error)
    closed.addEventListener('abort', abort, { once: true })
    response.write(data, (error) => {
      closed.removeEventListener('abort', abort)
      if (error) reject(error)
      else resolve()
    })
  })
}
