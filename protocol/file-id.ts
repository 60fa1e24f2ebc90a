import { CHUNK_SIZE } from './chunking.ts'
import { merkleRoot, sha256 } from './merkle.ts'

const DOMAIN = Buffer.from('shoal/file/1', 'ascii')

/**
 * The identity of a file's content: SHA-256("shoal/file/1" ‖ u64 size ‖ u32 chunkSize ‖ root), big-endian, in
 * lower-case hex. The id commits to both sizes, so nobody can lie about them to a holder of the id.
 */
export function fileId(size: number, root: Uint8Array, chunkSize: number = CHUNK_SIZE): string {
  const header = Buffer.alloc(12)
  header.writeBigUInt64BE(BigInt(size), 0)
  header.writeUInt32BE(chunkSize, 8)
  return sha256(DOMAIN, header, root).toString('hex')
}

/** Whether `hashes` (packed chunk hashes) belong to the file with this id and size. */
export function hashesMatch(id: string, size: number, hashes: Uint8Array, chunkSize?: number): boolean {
  return fileId(size, merkleRoot(hashes), chunkSize) === id
}
