import { CHUNK_SIZE, chunkCount, chunkLength } from '../../../protocol/chunking.ts'
import { fileId } from '../../../protocol/file-id.ts'
import { merkleRoot, sha256 } from '../../../protocol/merkle.ts'

export interface Content {
  data: Buffer
  size: number
  /** Packed chunk hashes. */
  hashes: Buffer
  fileId: string
}

/** Bytes that differ by chunk and by salt, with their hashes and file id. */
export function content(size: number, salt = 1): Content {
  const data = Buffer.alloc(size)
  for (let i = 0; i < size; i++) data[i] = (i >> 9) * salt + (i ^ salt) + (i >> 19) * 31
  const hashes = Buffer.concat(
    Array.from({ length: chunkCount(size) }, (_, i) =>
      sha256(data.subarray(i * CHUNK_SIZE, i * CHUNK_SIZE + chunkLength(size, i))),
    ),
  )
  return { data, size, hashes, fileId: fileId(size, merkleRoot(hashes)) }
}
