/** What a request asks, in the words of its head. */
export interface PlainRequest {
  target: string
  authorization: string
  /** Empty where there is none. */
  body: string
}

/** A POST of an announce or a heartbeat, and its headers: one a line, printable ASCII, nothing folded. */
const HEAD =
  /^POST (\/v1\/announce(?:\/[0-9a-f]{64}\/\d{1,16})?) HTTP\/1\.1\r\n((?:[A-Za-z-]+: [\x20-\x7e]+\r\n)+)\r\n/

/** Headers that say nothing of how a request is framed, or to whom it goes next. */
const IDLE = new Set(['accept', 'accept-encoding', 'accept-language', 'user-agent'])

/**
 * The request that is all of `chunk`, from the first byte to the last: where it is written in the one way in which
 * clients write announces and heartbeats, and means the same to every parser of HTTP/1.1 (RFC 9112). Null for
 * whatever else it is: part of a request, more than one, another route, a header that is not known here or comes
 * twice, a body of another type. A body is read as Latin-1: what that makes of other letters is no group's name.
 */
export function readPlainRequest(chunk: Buffer): PlainRequest | null {
  // The second letter of the method tells most other requests.
  if (chunk[1] !== 0x4f) return null
  const text = chunk.toString('latin1')
  const [head, target, lines] = HEAD.exec(text) ?? []
  if (head === undefined || target === undefined || lines === undefined) return null
  const headers = readHeaders(lines)
  if (headers === null) return null
  const { host, authorization, connection = 'keep-alive', 'content-length': length = '0' } = headers
  if (host === undefined || authorization === undefined || connection.toLowerCase() !== 'keep-alive')
    return null
  if (String(text.length - head.length) !== length) return null
  if (length !== '0' && headers['content-type'] !== 'application/json') return null
  return { target, authorization, body: text.slice(head.length) }
}

type Known = 'host' | 'authorization' | 'connection' | 'content-type' | 'content-length'
const KNOWN: ReadonlySet<string> = new Set<Known>([
  'host',
  'authorization',
  'connection',
  'content-type',
  'content-length',
])

function readHeaders(lines: string): Partial<Record<Known, string>> | null {
  const headers: Partial<Record<Known, string>> = {}
  for (let at = 0; at < lines.length; ) {
    const colon = lines.indexOf(':', at)
    const end = lines.indexOf('\r', colon)
    const name = lines.slice(at, colon).toLowerCase()
    if (KNOWN.has(name)) {
      if (headers[name as Known] !== undefined) return null
      headers[name as Known] = lines.slice(colon + 2, end)
    } else if (!IDLE.has(name)) return null
    at = end + 2
  }
  return headers
}
