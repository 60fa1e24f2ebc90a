import { Bitmap } from '../../../protocol/bitmap.ts'
import { chunkCount } from '../../../protocol/chunking.ts'

/**
 * The part file's journal: a header that binds it to one content, then a record of 4 bytes per marked chunk. A seal
 * (SEAL, then 8 bytes of modification time) ends it after a clean stop. DOUBT directly after the header means that a
 * sync of the part file failed: until the next seal, its pages may look right in memory and be missing on the disk.
 * The journal is only appended to, so a crash leaves at worst a torn last record. All big-endian.
 */
const MAGIC = Buffer.from('SHOALPT1')
export const HEADER_SIZE = MAGIC.length + 32 + 8
const SEAL = 0xffff_ffff
const DOUBT = 0xffff_fffe

export interface Journal {
  marked: Bitmap
  /** Modification time of the part file at the seal, in nanoseconds; null without a seal at the end. */
  sealedAt: bigint | null
  /** A sync failed, and no run has stopped cleanly since. */
  doubted: boolean
}

export function encodeHeader(fileId: string, size: number): Buffer {
  const tail = Buffer.alloc(8)
  tail.writeBigUInt64BE(BigInt(size))
  return Buffer.concat([MAGIC, Buffer.from(fileId, 'hex'), tail])
}

export function encodeMarks(chunks: readonly number[]): Buffer {
  const records = Buffer.allocUnsafe(chunks.length * 4)
  for (const [i, chunk] of chunks.entries()) records.writeUInt32BE(chunk, i * 4)
  return records
}

export function encodeSeal(mtimeNs: bigint): Buffer {
  const record = Buffer.alloc(12)
  record.writeUInt32BE(SEAL)
  record.writeBigUInt64BE(mtimeNs, 4)
  return record
}

export function encodeDoubt(): Buffer {
  const record = Buffer.alloc(4)
  record.writeUInt32BE(DOUBT)
  return record
}

/** Returns null if there is no journal, its header is torn, or it belongs to another content. */
export function parseJournal(data: Buffer | null, fileId: string, size: number): Journal | null {
  if (!data?.subarray(0, HEADER_SIZE).equals(encodeHeader(fileId, size))) return null
  const marked = new Bitmap(chunkCount(size))
  let doubted = false
  for (let at = HEADER_SIZE; at + 4 <= data.length; at += 4) {
    const chunk = data.readUInt32BE(at)
    if (chunk === SEAL && at + 12 === data.length)
      return { marked, sealedAt: data.readBigUInt64BE(at + 4), doubted: false }
    if (chunk === DOUBT && at === HEADER_SIZE) doubted = true
    if (chunk < marked.size) marked.add(chunk)
  }
  return { marked, sealedAt: null, doubted }
}
