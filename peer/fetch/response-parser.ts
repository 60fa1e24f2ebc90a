import { errorFromBody, ShoalError } from '../../protocol/errors.ts'

const MAX_HEAD = 16 * 1024
const NOTHING = Buffer.alloc(0)
/** A refusal is short; what is longer is not read. */
export const MAX_ERROR_BODY = 64 * 1024

export interface ResponseHead {
  status: number
  contentLength: number
  contentRange: string | null
  keepAlive: boolean
}

/**
 * Collects an HTTP/1.1 response's head (RFC 9112, 4 and 5) from pieces as they arrive. Only what a Shoal peer
 * sends is accepted: a Content-Length, no transfer coding, no folding. Throws PEER_BAD_ANSWER.
 */
export class HeadCollector {
  /** What came before, of a head that came in pieces. */
  #bytes: Buffer = NOTHING

  /** The head, and how many bytes of `piece` belong to it; null while it is not whole. */
  push(piece: Uint8Array): { head: ResponseHead; consumed: number } | null {
    const before = this.#bytes.length
    const start = piece.subarray(0, MAX_HEAD)
    // Most heads come whole, with body behind: copies of that would pile up until the next collection of garbage.
    const bytes =
      before === 0
        ? Buffer.from(start.buffer, start.byteOffset, start.length)
        : Buffer.concat([this.#bytes, start])
    const end = bytes.indexOf('\r\n\r\n', Math.max(0, before - 3))
    if (end < 0) {
      if (bytes.length >= MAX_HEAD) throw bad('its head is too long')
      // The piece lies in a buffer that is read into again.
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
  if (status === undefined) throw bad('it is not HTTP/1.1')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line)
    if (!match) throw bad('it has a malformed header')
    const name = match[1]!.toLowerCase()
    if (headers.has(name) && (name === 'content-length' || name === 'content-range'))
      throw bad(`it repeats ${name}`)
    headers.set(name, match[2]!)
  }
  const length = headers.get('content-length')
  if (headers.has('transfer-encoding') || length === undefined || !/^\d{1,15}$/.test(length))
    throw bad('it does not say how long it is')
  return {
    status: Number(status),
    contentLength: Number(length),
    contentRange: headers.get('content-range') ?? null,
    keepAlive: headers.get('connection')?.toLowerCase() !== 'close',
  }
}

/** The error that a peer answers with. Its own troubles (a changed file, say) are not to be taken for ours. */
export function refusal(status: number, body: string): ShoalError {
  try {
    const error = errorFromBody(JSON.parse(body))
    if (error?.code === 'GRANT_INVALID' || error?.code === 'CHUNK_NOT_HELD') return error
    if (error) return new ShoalError('NO_PEER', `the peer refuses: ${error.message}`)
  } catch {
    // Not JSON, so not a Shoal peer.
  }
  return bad(`status ${status}`)
}

export function bad(why: string): ShoalError {
  return new ShoalError('PEER_BAD_ANSWER', `the peer's answer is not usable: ${why}`)
}
