import { CHUNK_SIZE, type Extent, MAX_FILE_SIZE } from '../chunking.ts'
import { MAX_ENTRIES, MAX_MANIFEST_BYTES } from './entry.ts'
import { TreeError } from './errors.ts'

/**
 * The last 40 bytes of a snapshot's stream. They say where the manifest lies and how much to allocate for it:
 * u64 contents ‖ u32 manifest ‖ u32 entries ‖ u32 hashes ‖ u32 names ‖ u32 targets ‖ "shoal/tree/1".
 */
export interface TreeTotals {
  /** Bytes of the manifest. */
  manifest: number
  /** Entries of all kinds. */
  entries: number
  /** Files that are not empty: those have a hash in the manifest. */
  hashes: number
  /** Bytes of all names. */
  names: number
  /** Bytes of all link targets. */
  targets: number
}

export interface Footer extends TreeTotals {
  /** Bytes of the stream before the manifest: the contents of all files, each content once. */
  contents: number
}

const FAMILY = 'shoal/tree/'
const MAGIC = Buffer.from(`${FAMILY}1`, 'ascii')
export const FOOTER_SIZE = 28 + MAGIC.length
/** The least that an entry has beside its name: a head, the length of the name and a time. */
const MIN_ENTRY_BYTES = 3
const HASH_AND_SIZE_BYTES = 33

export function encodeFooter(footer: Footer): Buffer {
  const bytes = Buffer.alloc(FOOTER_SIZE)
  bytes.writeBigUInt64BE(BigInt(footer.contents), 0)
  bytes.writeUInt32BE(footer.manifest, 8)
  bytes.writeUInt32BE(footer.entries, 12)
  bytes.writeUInt32BE(footer.hashes, 16)
  bytes.writeUInt32BE(footer.names, 20)
  bytes.writeUInt32BE(footer.targets, 24)
  MAGIC.copy(bytes, 28)
  return bytes
}

/** Reads the last FOOTER_SIZE bytes of a stream of `streamSize` bytes. Throws TreeError where they contradict. */
export function decodeFooter(bytes: Uint8Array, streamSize: number): Footer {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.length !== FOOTER_SIZE || !buffer.subarray(28).equals(MAGIC)) throw strangeFooter(buffer)
  const footer: Footer = {
    contents: Number(buffer.readBigUInt64BE(0)),
    manifest: buffer.readUInt32BE(8),
    entries: buffer.readUInt32BE(12),
    hashes: buffer.readUInt32BE(16),
    names: buffer.readUInt32BE(20),
    targets: buffer.readUInt32BE(24),
  }
  checkTotals(footer)
  if (footer.contents + footer.manifest + FOOTER_SIZE !== streamSize)
    throw new TreeError('totals', 'the sizes in the footer of the snapshot do not add up to its size')
  return footer
}

/** Throws TreeError if no manifest can have these totals. What passes is safe to allocate. */
export function checkTotals(totals: TreeTotals & { contents?: number }): void {
  const limit = limitFault(totals)
  if (limit !== null) throw new TreeError('limit', limit)
  const { manifest, entries, hashes, names, targets } = totals
  const least = MIN_ENTRY_BYTES * entries + names + HASH_AND_SIZE_BYTES * hashes + targets
  if (hashes > entries || names < entries || least > manifest)
    throw new TreeError('totals', 'the footer of the snapshot claims more than its manifest can hold')
}

/** A sentence that names the exceeded limit of a snapshot. Null if all are kept. */
export function limitFault(totals: TreeTotals & { contents?: number }): string | null {
  if (totals.entries > MAX_ENTRIES) return `the snapshot has more than ${MAX_ENTRIES} entries`
  if (totals.manifest > MAX_MANIFEST_BYTES)
    return `the manifest of the snapshot is longer than ${MAX_MANIFEST_BYTES} bytes`
  const size = (totals.contents ?? 0) + totals.manifest + FOOTER_SIZE
  return size > MAX_FILE_SIZE ? `the snapshot is larger than ${MAX_FILE_SIZE} bytes` : null
}

function strangeFooter(bytes: Buffer): TreeError {
  if (bytes.length === FOOTER_SIZE && bytes.subarray(28).toString('latin1').startsWith(FAMILY))
    return new TreeError('version', 'the snapshot has a version that is not known here', null, 'update Shoal')
  return new TreeError('magic', 'this is not a snapshot: it does not end in the footer of one')
}

/** The chunks to fetch first: those that hold the footer of a stream of `streamSize` bytes. */
export function footerChunks(streamSize: number): Extent {
  if (streamSize < FOOTER_SIZE) throw new TreeError('magic', 'this is not a snapshot: it is too short')
  return chunksOf(streamSize - FOOTER_SIZE, streamSize)
}

/** The chunks that hold the manifest and the footer. */
export function manifestChunks(footer: Footer): Extent {
  return chunksOf(footer.contents, footer.contents + footer.manifest + FOOTER_SIZE)
}

/** The chunks that hold the bytes [start, end) of a stream; end > start. */
export function chunksOf(start: number, end: number): Extent {
  const first = Math.floor(start / CHUNK_SIZE)
  return { first, count: Math.ceil(end / CHUNK_SIZE) - first }
}
