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
  const { host, authorization, connection, type, length, known } = readHeaders(lines)
  if (!known || host === '' || authorization === '') return null
  if (connection !== '' && connection.toLowerCase() !== 'keep-alive') return null
  const rest = text.length - head.length
  if (rest === 0 ? length !== '' && length !== '0' : String(rest) !== length || type !== 'application/json')
    return null
  return { target, authorization, body: text.slice(head.length) }
}

/** Empty where a header is not there. `known`: each comes once, and there is none that could mean something else. */
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
