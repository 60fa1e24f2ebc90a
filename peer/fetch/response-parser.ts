import { errorFromBody, ShoalError } from '../../protocol/errors.ts'

const MAX_HEAD = 16 * 1024
const NOTHING = Buffer.alloc(0)
/** Error bodies are short; a longer one is not read. */
export const MAX_ERROR_BODY = 64 * 1024

export interface ResponseHead {
  status: number
  contentLength: number
  contentRange: string | null
  keepAlive: boolean
}

/**
 * Collects the head of an HTTP/1.1 response (RFC 9112, 4 and 5) from pieces. It accepts only what a Shoal peer
 * sends: a Content-Length, no transfer coding, no folding. Throws PEER_BAD_ANSWER.
 */
export class HeadCollector {
  /** The earlier pieces of an incomplete head. */
  #bytes: Buffer = NOTHING

  /** The head, and how many bytes of `piece` belong to it; null while it is incomplete. */
  push(piece: Uint8Array): { head: ResponseHead; consumed: number } | null {
    const before = this.#bytes.length
    const start = piece.subarray(0, MAX_HEAD)
    // Most heads arrive whole, followed by body data. Copying that would only produce garbage.
    const bytes =
      before === 0
        ? Buffer.from(start.buffer, start.byteOffset, start.length)
        : Buffer.concat([this.#bytes, start])
    const end = bytes.indexOf('\r\n\r\n', Math.max(0, before - 3))
    if (end < 0) {
      if (bytes.length >= MAX_HEAD) throw badResponse('its head is too long')
      // The next read overwrites the piece's buffer.
      this.#bytes = before === 0 ? Buffer.from(bytes) : bytes
      return null
    }
    const head = parseHead(bytes.toString('latin1', 0, end))
    this.#bytes = NOTHING
    return { head, consumed: end + 4 - before }
  }
}

function parseHead(text: string): ResponseHead {
  const [statusLine, ...lines] = text.split('\r\n') as [string, ...string[]]
  const status = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(statusLine)?.[1]
  if (status === undefined) throw badResponse('it is not HTTP/1.1')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line)
    if (!match) throw badResponse('it has a malformed header')
    const name = match[1]!.toLowerCase()
    if (headers.has(name) && (name === 'content-length' || name === 'content-range'))
      throw badResponse(`it repeats ${name}`)
    headers.set(name, match[2]!)
  }
  const length = headers.get('content-length')
  if (headers.has('transfer-encoding') || length === undefined || !/^\d{1,15}$/.test(length))
    throw badResponse('it does not say how long it is')
  return {
    status: Number(status),
    contentLength: Number(length),
    contentRange: headers.get('content-range') ?? null,
    keepAlive: headers.get('connection')?.toLowerCase() !== 'close',
  }
}

/** The error in a peer's response. A failure on the peer's side, such as a changed file, must not look like ours. */
export function responseError(status: number, body: string): ShoalError {
  try {
    const error = errorFromBody(JSON.parse(body))
    if (error?.code === 'GRANT_INVALID' || error?.code === 'CHUNK_NOT_HELD') return error
    if (error) return new ShoalError('NO_PEER', `the peer refused: ${error.message}`)
  } catch {
    // Not JSON, so not from a Shoal peer.
  }
  return badResponse(`status ${status}`)
}

export function badResponse(why: string): ShoalError {
  return new ShoalError('PEER_BAD_ANSWER', `the peer sent an unusable response: ${why}`)
}
