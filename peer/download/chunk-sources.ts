import type { Bitmap } from '../../protocol/bitmap.ts'
import { hashAt, isChunk } from '../../protocol/chunk-hashes.ts'
import { CHUNK_SIZE, chunkLength } from '../../protocol/chunking.ts'
import type { PartFile } from './disk/part-file.ts'

/** Another source of chunks, asked before the swarm: a mirror, a cache, an object store. */
export interface ChunkSource {
  /** For logs and messages. */
  readonly name: string
  /**
   * The bytes of a chunk, or null if the source does not have it. The peer verifies them. It does not ask a source
   * again in this download that throws or sends wrong bytes.
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

/** Chunks requested from a source at once. */
const AT_ONCE = 8

export interface SourcedFile {
  group: string
  name: string
  fileId: string
}

/**
 * Takes missing chunks from the sources of plugins, one source after the other. Calls `found` for each chunk that is
 * written, and `failed` for a source that fails or sends wrong bytes, which is not asked again. Throws if the part
 * file fails, which is not a source's fault.
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
        const length = chunkLength(part.size, index)
        const wanted = {
          index,
          offset: index * CHUNK_SIZE,
          length,
          hash: Buffer.from(hashAt(hashes, index)).toString('hex'),
        }
        const data = await source.chunk({ ...file, ...wanted }, either)
        if (data === null) continue
        if (data.length !== length || !isChunk(data, hashes, index))
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

/** Writes missing chunks that an earlier download of the same content has fetched, and calls `found` for each right one. */
export async function takeFetched(
  fetched: ReadonlyMap<number, Uint8Array>,
  part: PartFile,
  have: Bitmap,
  hashes: Uint8Array,
  found: (chunk: number) => void,
): Promise<void> {
  for (const [chunk, data] of fetched) {
    if (have.has(chunk) || !isChunk(data, hashes, chunk)) continue
    await part.write(data, chunk)
    found(chunk)
  }
}

/** Yields each missing chunk once: all workers of a source share one generator. */
function* chunksMissingIn(have: Bitmap): Generator<number> {
  for (let chunk = 0; chunk < have.size; chunk++) if (!have.has(chunk)) yield chunk
}
