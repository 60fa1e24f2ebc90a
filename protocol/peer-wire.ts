/** What a fetching peer and a serving peer must agree on, beyond HTTP itself (docs/protocol.md). */
export const filePath = (fileId: string): string => `/v1/files/${fileId}`
export const havePath = (fileId: string): string => `/v1/files/${fileId}/have`
export const proofPath = (fileId: string, chunk: number): string => `/v1/files/${fileId}/proof/${chunk}`

/** Query parameter that carries the grant where a client cannot send `Authorization`. */
export const GRANT_PARAMETER = 'grant'

/** A URL that any HTTP client can fetch a file with, for as long as the grant lives. */
export function grantedUrl(
  at: { host: string; port: number; tls: boolean },
  fileId: string,
  grant: string,
): string {
  const host = at.host.includes(':') ? `[${at.host}]` : at.host
  return `${at.tls ? 'https' : 'http'}://${host}:${at.port}${filePath(fileId)}?${GRANT_PARAMETER}=${grant}`
}

/** Request header: the port on which the fetching peer itself serves, so that both learn of each other. */
export const PEER_PORT_HEADER = 'shoal-peer-port'
/**
 * `GET …/have` answers `application/vnd.shoal.have`: u32 chunk count, the bitmap (⌈n/8⌉ bytes, most
 * significant bit first), then, while the server's copy grows, one u32 a change: a chunk's index when it
 * came in, or index | PENDING when it is being fetched from a seed, so that others ask the seed for another.
 * All big-endian. The stream ends when the server holds everything, unless ASKED_HEADER is there.
 */
export const HAVE_MEDIA_TYPE = 'application/vnd.shoal.have'
/** Request header of `have`: a complete peer goes on, and tells as PENDING each chunk that somebody asks it for. */
export const ASKED_HEADER = 'shoal-asked'
/** Top bit of a have record. MAX_FILE_SIZE leaves it free: 2^50 bytes are 2^31 chunks. */
export const PENDING = 0x8000_0000

const FILE_ID = /^[0-9a-f]{64}$/
export const isFileId = (text: string): boolean => FILE_ID.test(text)

/**
 * Reads a single HTTP byte range (RFC 9110, 14.2) against a file of `size` bytes; null when it is absent,
 * malformed or not satisfiable (which of them does not matter to a caller: all are answered with 416).
 */
export function parseRange(header: string | undefined, size: number): [start: number, end: number] | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '')
  if (!match) return null
  const [, from, to] = match as unknown as [string, string, string]
  if (from === '' && to === '') return null
  if (from === '') {
    const suffix = Math.min(Number(to), size)
    return suffix === 0 ? null : [size - suffix, size]
  }
  const start = Number(from)
  const end = to === '' ? size : Math.min(size, Number(to) + 1)
  return start < end ? [start, end] : null
}
