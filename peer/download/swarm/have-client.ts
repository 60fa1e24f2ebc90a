import { type IncomingMessage, request } from 'node:http'
import { Bitmap } from '../../../protocol/bitmap.ts'
import {
  ASKED_HEADER,
  HAVE_MEDIA_TYPE,
  havePath,
  PEER_PORT_HEADER,
  PENDING,
} from '../../../protocol/peer-wire.ts'
import type { PeerAddress } from '../../../protocol/records.ts'
import { badResponse, MAX_ERROR_BODY, responseError } from '../../fetch/response-parser.ts'
import { type Credentials, connectPinned } from '../../wire/pinned-connect.ts'

export interface HaveListener {
  onBitmap(have: Bitmap): void
  onChunk(chunk: number): void
  onPending(chunk: number): void
}

export interface HaveRequest {
  fileId: string
  chunks: number
  grant: string
  credentials: Credentials
  ownPort: number
  /** Follow a complete peer too, for the chunks that others ask it for. */
  asked: boolean
}

/**
 * Follows what a peer holds of a file. Resolves when the peer holds everything or the signal aborts. Rejects with
 * PEER_BAD_ANSWER, the peer's error, or the connection's error.
 */
export async function followHave(
  target: PeerAddress,
  wanted: HaveRequest,
  listener: HaveListener,
  signal: AbortSignal,
): Promise<void> {
  const socket = await connectPinned(target, wanted.credentials)
  if (signal.aborted) return void socket.destroy()
  const abort = (): void => void socket.destroy()
  signal.addEventListener('abort', abort, { once: true })
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${wanted.grant}`,
        [PEER_PORT_HEADER]: wanted.ownPort,
        host: target.peer,
        ...(wanted.asked ? { [ASKED_HEADER]: 1 } : {}),
      }
      request({ createConnection: () => socket, path: havePath(wanted.fileId), headers })
        .once('response', resolve)
        .once('error', reject)
        .end()
    })
    if (response.statusCode !== 200) throw responseError(response.statusCode!, await readShort(response))
    if (response.headers['content-type'] !== HAVE_MEDIA_TYPE) throw badResponse('it is no have stream')
    await readHave(response, new HaveReader(wanted.chunks, listener))
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', abort)
    socket.destroy()
  }
}

/** Reads by events: the pieces are many and tiny, and iterating over the stream costs twice as much. */
function readHave(response: IncomingMessage, records: HaveReader): Promise<void> {
  return new Promise((resolve, reject) => {
    const attempt = (act: () => void): void => {
      try {
        act()
      } catch (error) {
        reject(error as Error)
      }
    }
    response.on('data', (data: Buffer) => attempt(() => records.push(data)))
    const end = (): void => {
      records.end()
      resolve()
    }
    response.once('end', () => attempt(end))
    response.once('error', reject)
    response.once('close', () => reject(new Error('the peer closed the connection')))
  })
}

async function readShort(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const data of response) {
    text += data
    if (text.length > MAX_ERROR_BODY) break
  }
  return text
}

/** Parses the bitmap and the records that follow it (protocol/peer-wire.ts). Throws PEER_BAD_ANSWER. */
export class HaveReader {
  readonly #chunks: number
  readonly #listener: HaveListener
  #rest = Buffer.alloc(0)
  #bitmapRead = false

  constructor(chunks: number, listener: HaveListener) {
    this.#chunks = chunks
    this.#listener = listener
  }

  push(data: Buffer): void {
    let bytes = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data])
    if (!this.#bitmapRead) {
      if (bytes.length >= 4 && bytes.readUInt32BE() !== this.#chunks)
        throw badResponse('it has another number of chunks')
      const length = 4 + Math.ceil(this.#chunks / 8)
      if (bytes.length >= length) {
        this.#bitmapRead = true
        this.#listener.onBitmap(new Bitmap(this.#chunks, bytes.subarray(4, length)))
        bytes = bytes.subarray(length)
      }
    }
    let at = 0
    if (this.#bitmapRead) for (; at + 4 <= bytes.length; at += 4) this.#record(bytes.readUInt32BE(at))
    this.#rest = Buffer.from(bytes.subarray(at))
  }

  end(): void {
    if (!this.#bitmapRead || this.#rest.length > 0) throw badResponse('its have stream is cut off')
  }

  #record(record: number): void {
    const chunk = (record & ~PENDING) >>> 0
    if (chunk >= this.#chunks) throw badResponse('it claims a chunk past the end')
    if (record >= PENDING) this.#listener.onPending(chunk)
    else this.#listener.onChunk(chunk)
  }
}
