import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { parseRange } from '../../protocol/peer-wire.ts'
import type { ByteLimit } from '../byte-limit.ts'
import type { FileReader, ServedFile } from './library.ts'

/** Large enough that a system call is cheap beside its data, small enough that many connections fit in memory. */
const READ_SIZE = 1024 * 1024

/** `GET` or `HEAD` of a file: 206 for a range (RFC 9110, 14), 200 for the whole, in held chunks only. */
export async function sendRange(
  file: ServedFile,
  request: IncomingMessage,
  response: ServerResponse,
  limit: ByteLimit,
): Promise<void> {
  const wanted = request.headers.range
  const range = wanted === undefined ? ([0, file.size] as const) : parseRange(wanted, file.size)
  const headers = {
    'accept-ranges': 'bytes',
    etag: `"${file.fileId}"`,
    'content-type': 'application/octet-stream',
  }
  if (range === null) {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${file.size}`, 'content-length': 0 })
    response.end()
    return
  }
  const [start, end] = range
  requireHeld(file, start, end)
  const partial = wanted === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${file.size}` }
  const status = wanted === undefined ? 200 : 206
  if (request.method === 'HEAD') {
    response.writeHead(status, { ...headers, ...partial, 'content-length': end - start })
    response.end()
    return
  }
  const reader = await file.open()
  response.writeHead(status, { ...headers, ...partial, 'content-length': end - start })
  await sendBody(reader, response, start, end, limit)
}

function requireHeld(file: ServedFile, start: number, end: number): void {
  const first = Math.floor(start / CHUNK_SIZE)
  if (!file.have.hasRange(first, Math.ceil(end / CHUNK_SIZE) - first))
    throw new ShoalError('CHUNK_NOT_HELD', 'this peer does not hold all of that range yet')
}

async function sendBody(
  reader: FileReader,
  response: ServerResponse,
  start: number,
  end: number,
  limit: ByteLimit,
): Promise<void> {
  const closed = new AbortController()
  const onClose = (): void => closed.abort()
  response.once('close', onClose)
  const step = limit.stepSize(READ_SIZE)
  try {
    for (let at = start; at < end && !closed.signal.aborted; at += step) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(step, end - at))
      await reader.read(buffer, at)
      await limit.take(buffer.length, closed.signal)
      if (!response.write(buffer)) await once(response, 'drain', { signal: closed.signal })
    }
  } catch (error) {
    if (!closed.signal.aborted) throw error
  } finally {
    response.off('close', onClose)
    // Throws where the file changed meanwhile; the body is then cut short instead of ended.
    await reader.close()
  }
  if (!closed.signal.aborted) response.end()
}
