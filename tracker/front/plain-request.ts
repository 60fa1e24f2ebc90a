/** The parts of a request that matter here. */
export interface PlainRequest {
  target: string
  authorization: string
  /** Empty if there is none. */
  body: string
}

/** A POST of an announce or a heartbeat with its headers: one per line, printable ASCII, not folded. */
const HEAD =
  /^POST (\/v1\/announce(?:\/[0-9a-f]{64}\/\d{1,16})?) HTTP\/1\.1\r\n((?:[A-Za-z-]+: [\x20-\x7e]+\r\n)+)\r\n/

/**
 * Parses `chunk` if it is exactly one request, written in the one form that clients use for announces and heartbeats and
 * that every HTTP/1.1 parser reads alike (RFC 9112). Returns null for everything else: part of a request, several
 * requests, another route, an unknown or repeated header, another content type. The body is read as Latin-1: a
 * non-ASCII letter then matches no group's name.
 */
export function readPlainRequest(chunk: Buffer): PlainRequest | null {
  // The method's second letter rules out most other requests.
  if (chunk[1] !== 0x4f) return null
  const text = chunk.toString('latin1')
  const [head, target, lines] = HEAD.exec(text) ?? []
  if (head === undefined || target === undefined || lines === undefined) return null
  const { host, authorization, connection, type, length, known } = readHeaders(lines)
  if (!known || host === '' || authorization === '') return null
  if (connection !== '' && connection.toLowerCase() !== 'keep-alive') return null
  const rest = text.length - head.length
  if (rest === 0 ? length !== '' && length !== '0' : String(rest) !== length || type !== 'application/json')
    return null
  return { target, authorization, body: text.slice(head.length) }
}

/** Missing headers are empty. `known`: each header is a known one and comes once. */
function readHeaders(lines: string) {
  const headers = { host: '', authorization: '', connection: '', type: '', length: '', known: true }
  for (let at = 0; at < lines.length; ) {
    const colon = lines.indexOf(':', at)
    const end = lines.indexOf('\r', colon)
    switch (lines.slice(at, colon).toLowerCase()) {
      case 'host':
        headers.known &&= headers.host === ''
        headers.host = lines.slice(colon + 2, end)
        break
      case 'authorization':
        headers.known &&= headers.authorization === ''
        headers.authorization = lines.slice(colon + 2, end)
        break
      case 'connection':
        headers.known &&= headers.connection === ''
        headers.connection = lines.slice(colon + 2, end)
        break
      case 'content-length':
        headers.known &&= headers.length === ''
        headers.length = lines.slice(colon + 2, end)
        break
      case 'content-type':
        headers.known &&= headers.type === ''
        headers.type = lines.slice(colon + 2, end)
        break
      case 'accept':
      case 'accept-encoding':
      case 'accept-language':
      case 'user-agent':
        break
      default:
        headers.known = false
    }
    at = end + 2
  }
  return headers
}
