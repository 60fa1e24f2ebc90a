import type { Bitmap } from '../../protocol/bitmap.ts'
import { CHUNK_SIZE, chunkLength, HASH_SIZE } from '../../protocol/chunking.ts'
import { sha256 } from '../../protocol/merkle.ts'
import type { PartFile } from './disk/part-file.ts'

/** Another place that chunks may come from, asked before the swarm is: a mirror, a cache, a store of objects. */
export interface ChunkSource {
  /** Named in logs and messages. */
  readonly name: string
  /**
   * The bytes of a chunk, or null where the source does not have it. They are verified before they are used;
   * a source that throws, or sends what does not match, is not asked again for this download.
   */
  chunk(wanted: WantedChunk, signal: AbortSignal): Promise<Uint8Array | null>
}

export interface WantedChunk {
  group: string
  name: string
  fileId: string
  /** Index, offset and length in bytes, SHA-256 in hex. */
  index: number
  offset: number
  length: number
  hash: string
}

/** Chunks that one source is asked for at once. */
const AT_ONCE = 8

export interface SourcedFile {
  group: string
  name: string
  fileId: string
}

/**
 * Takes what plugins' sources hold of the missing chunks, each source after the other. One that fails or sends
 * what does not match is told of by `failed` and not asked again. Calls `found` for each chunk that is written.
 * Throws the part file's failure: that is no source's doing.
 */
export async function takeFromSources(
  sources: readonly ChunkSource[],
  file: SourcedFile,
  part: PartFile,
  have: Bitmap,
  hashes: Uint8Array,
  found: (chunk: number) => void,
  failed: (source: ChunkSource, error: Error) => void,
  signal: AbortSignal,
): Promise<void> {
  for (const source of sources) {
    const missing = chunksMissingIn(have)
    const stop = new AbortController()
    const either = AbortSignal.any([signal, stop.signal])
    const work = async (): Promise<void> => {
      for (const index of missing) {
        if (either.aborted) return
        const expected = hashes.subarray(index * HASH_SIZE, (index + 1) * HASH_SIZE)
        const length = chunkLength(part.size, index)
        const wanted = {
          index,
          offset: index * CHUNK_SIZE,
          length,
          hash: Buffer.from(expected).toString('hex'),
        }
        const data = await source.chunk({ ...file, ...wanted }, either)
        if (data === null) continue
        if (data.length !== length || !sha256(data).equals(expected))
          throw new Error(`chunk ${index} does not match its hash`)
        await part.write(data, index)
        found(index)
      }
    }
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, work))
    } catch (error) {
      stop.abort()
      if (part.failure) throw part.failure
      if (signal.aborted) return
      failed(source, error as Error)
    }
  }
}

/** One walk, shared by those who take from it. */
function* chunksMissingIn(have: Bitmap): Generator<number> {
  for (let chunk = 0; chunk < have.size; chunk++) if (!have.has(chunk)) yield chunk
}
