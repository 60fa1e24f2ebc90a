/** The agreement between a fetching and a serving peer beyond HTTP itself (docs/protocol.md). */
export const filePath = (fileId: string): string => `/v1/files/${fileId}`
export const havePath = (fileId: string): string => `/v1/files/${fileId}/have`
export const proofPath = (fileId: string, chunk: number): string => `/v1/files/${fileId}/proof/${chunk}`

/** The file at `path` in the tree of a snapshot. */
export const entryPath = (fileId: string, path: string): string =>
  `${filePath(fileId)}/path/${path.split('/').map(encodeURIComponent).join('/')}`

/** Query parameter for the grant, for clients that cannot send `Authorization`. */
export const GRANT_PARAMETER = 'grant'

/**
 * A URL that any HTTP client can fetch a file from until the grant expires; with `path`, a file in the tree of the
 * snapshot `fileId`.
 */
export function grantedUrl(
  at: { host: string; port: number; tls: boolean },
  fileId: string,
  grant: string,
  path?: string,
): string {
  const host = at.host.includes(':') ? `[${at.host}]` : at.host
  const file = path === undefined ? filePath(fileId) : entryPath(fileId, path)
  return `${at.tls ? 'https' : 'http'}://${host}:${at.port}${file}?${GRANT_PARAMETER}=${grant}`
}

/** Request header: the port on which the fetching peer serves, so that both peers know each other. */
export const PEER_PORT_HEADER = 'shoal-peer-port'
/**
 * `GET …/have` answers `application/vnd.shoal.have`: a u32 chunk count, the bitmap (⌈n/8⌉ bytes, most
 * significant bit first), then one u32 per change while the server's copy grows: the index of a chunk that
 * arrived, or index | PENDING for a chunk that the server is fetching from a seed, so that others ask the
 * seed for a different one. All big-endian. The stream ends when the server holds everything, unless
 * ASKED_HEADER is present.
 */
export const HAVE_MEDIA_TYPE = 'application/vnd.shoal.have'
/**
 * Request header of `have`: a complete peer keeps the stream open and reports each requested chunk as
 * PENDING.
 */
export const ASKED_HEADER = 'shoal-asked'
/** Top bit of a have-record. MAX_FILE_SIZE leaves it free: 2^50 bytes are 2^31 chunks. */
export const PENDING = 0x8000_0000

const FILE_ID = /^[0-9a-f]{64}$/
export const isFileId = (text: string): boolean => FILE_ID.test(text)

/**
 * Parses a single HTTP byte range (RFC 9110, 14.2) for a file of `size` bytes. Returns null if it is absent,
 * malformed or not satisfiable; all three get a 416.
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
