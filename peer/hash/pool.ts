import { ThreadPool } from '../../packed/thread-pool.ts'
import { chunkCount, type Extent, extentBytes, HASH_SIZE } from '../../protocol/chunking.ts'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { type HashRequest, hashChunks } from './thread.ts'

/** Chunks per thread task: 32 MiB, a few hundredths of a second. */
const TASK_CHUNKS = 64
/** Up to this many chunks are hashed on the calling thread: starting another would take longer. */
const INLINE_CHUNKS = 8

/** SHA-256 of files' chunks on all cores, in bounded memory: each thread holds one 2 MiB buffer. */
export class HashPool {
  readonly #threads = new ThreadPool<HashRequest, Uint8Array>(new URL('./thread.ts', import.meta.url))

  /**
   * Packed hashes of chunks [first, first + count) of the file at `path`. Calls `progress` with the length of each
   * hashed piece, out of order. Throws a storage error, FILE_CHANGED if the file is shorter than `size`, or the
   * signal's reason.
   */
  async hash(
    path: string,
    size: number,
    range: Extent = { first: 0, count: chunkCount(size) },
    progress: (bytes: number) => void = () => {},
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const hashes = new Uint8Array(range.count * HASH_SIZE)
    const failed = new AbortController()
    const stop = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal
    const hashPiece = async (piece: Extent): Promise<void> => {
      const part = await this.#run({ path, size, ...piece }, range.count, stop)
      hashes.set(part, (piece.first - range.first) * HASH_SIZE)
      const [start, end] = extentBytes(size, piece)
      progress(end - start)
    }
    try {
      await Promise.all([...pieces(range)].map(hashPiece))
      return hashes
    } catch (error) {
      failed.abort(error)
      throw signal?.aborted ? signal.reason : changedOrStorage(error, path)
    }
  }

  close(): Promise<void> {
    return this.#threads.close()
  }

  async #run(request: HashRequest, total: number, stop: AbortSignal): Promise<Uint8Array> {
    stop.throwIfAborted()
    return total <= INLINE_CHUNKS ? hashChunks(request) : this.#threads.run(request, stop)
  }
}

function* pieces({ first, count }: Extent): Generator<Extent> {
  for (let at = 0; at < count; at += TASK_CHUNKS)
    yield { first: first + at, count: Math.min(TASK_CHUNKS, count - at) }
}

function changedOrStorage(error: unknown, path: string): Error {
  if ((error as NodeJS.ErrnoException).code !== 'ESTALE') return storageError(error, path)
  return new ShoalError('FILE_CHANGED', `${path} changed while it was read`, {
    hint: 'run the command again once nothing writes to the file',
  })
}
