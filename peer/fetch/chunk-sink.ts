import { isChunk } from '../../protocol/chunk-hashes.ts'
import { CHUNK_SIZE, chunkLength } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { type WritePart, writeTree } from '../tree/write-tree.ts'
import { requireNamed, writeFile } from './chunk-writer.ts'

/** Reuses chunk buffers. An extent under way holds one, so the number of connections bounds the memory. */
export class BufferPool {
  readonly #free: Buffer[] = []

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(CHUNK_SIZE)
  }

  give(buffer: Buffer): void {
    this.#free.push(buffer)
  }
}

export interface ExtentTarget {
  /** Descriptor of the part file, open for writing. */
  fd?: number
  /** Path of the part file or the tree, for error messages. */
  path: string
  /** Set instead of `fd` for a tree: where the bytes of each chunk go. */
  tree?: { root: string; chunks: WritePart[][] } | undefined
  size: number
  first: number
  count: number
  /** Packed hashes of the extent's chunks. */
  hashes: Uint8Array
}

/**
 * Receives an extent's bytes: the socket reads straight into a chunk buffer, and each full chunk is verified
 * before it is written. Throws HASH_MISMATCH or a storage error.
 */
export class ChunkSink {
  readonly #target: ExtentTarget
  readonly #pool: BufferPool
  readonly #onChunk: (chunk: number) => void
  #chunk: number
  /** Length of the current chunk. */
  #length: number
  #buffer: Buffer | null = null
  #filled = 0
  #abandoned = false

  constructor(target: ExtentTarget, pool: BufferPool, onChunk: (chunk: number) => void) {
    this.#target = target
    this.#pool = pool
    this.#onChunk = onChunk
    this.#chunk = target.first
    this.#length = chunkLength(target.size, target.first)
  }

  /** Where the next bytes go, never past the current chunk. */
  space(): Buffer {
    this.#buffer ??= this.#pool.take()
    return this.#buffer.subarray(this.#filled, this.#length)
  }

  /** Reports that `n` bytes were read into the last `space()`. */
  advance(n: number): void {
    this.#filled += n
    if (this.#filled === this.#length) this.#complete()
  }

  get done(): boolean {
    return this.#chunk === this.#target.first + this.#target.count
  }

  /** Drops all further bytes, so that the descriptor may be closed. */
  abandon(): void {
    this.#abandoned = true
  }

  get abandoned(): boolean {
    return this.#abandoned
  }

  release(): void {
    if (this.#buffer) this.#pool.give(this.#buffer)
    this.#buffer = null
  }

  #complete(): void {
    try {
      if (!this.#abandoned) this.#verifyAndWrite()
    } finally {
      // Also after a failure: the response to an abandoned extent is read to its end.
      this.#chunk++
      this.#filled = 0
      if (this.done) this.release()
      else this.#length = chunkLength(this.#target.size, this.#chunk)
    }
  }

  #verifyAndWrite(): void {
    const { fd, path, first, tree, hashes } = this.#target
    const data = this.#buffer!.subarray(0, this.#length)
    if (!isChunk(data, hashes, this.#chunk - first))
      throw new ShoalError('HASH_MISMATCH', `chunk ${this.#chunk} does not match its hash`)
    if (tree) writeTree(tree.root, tree.chunks[this.#chunk - first]!, data)
    else {
      const file = { fd: fd!, path }
      requireNamed(file)
      writeFile(file, data, this.#chunk * CHUNK_SIZE)
    }
    this.#onChunk(this.#chunk)
  }
}
