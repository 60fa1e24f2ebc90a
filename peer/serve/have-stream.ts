import type { IncomingMessage, ServerResponse } from 'node:http'
import { ASKED_HEADER, HAVE_MEDIA_TYPE } from '../../protocol/peer-wire.ts'
import type { ServedFile } from './library.ts'

/** A peer that does not read its have stream is cut off when this many bytes wait for it. */
const MAX_BACKLOG = 4 * 1024 * 1024

/**
 * `GET …/have`: the bitmap, then each new chunk (the format is in protocol/peer-wire.ts). For a complete file, a
 * client that sends ASKED_HEADER gets the chunks that others request.
 */
export async function streamHave(
  file: ServedFile,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.writeHead(200, { 'content-type': HAVE_MEDIA_TYPE, 'cache-control': 'no-store' })
  if (request.method === 'HEAD') return void response.end()
  const count = Buffer.alloc(4)
  count.writeUInt32BE(file.have.size)
  response.write(Buffer.concat([count, file.have.bytes]))
  const isComplete = file.have.isFull
  if (!file.watch || (isComplete && !request.headers[ASKED_HEADER])) return void response.end()
  const stop = file.watch((records) => {
    response.write(records)
    if (file.have.isFull && !isComplete) response.end()
    else if (response.writableLength > MAX_BACKLOG) response.destroy()
  })
  response.once('close', stop)
}
