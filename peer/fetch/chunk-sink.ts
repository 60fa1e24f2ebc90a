import { hash } from 'node:crypto'
import { CHUNK_SIZE, chunkLength, HASH_SIZE } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { type WritePart, writeTree } from '../tree/write-tree.ts'
import { requireNamed, writeFile } from './chunk-writer.ts'

/** Chunk buffers, reused: an extent under way holds one, so memory is bounded by the connections. */
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
  /** Its path, or that of the tree, for people. */
  path: string
  /** Instead of one file: where the bytes of each chunk of the extent belong. */
  tree?: { root: string; chunks: WritePart[][] } | undefined
  size: number
  first: number
  count: number
  /** Packed hashes of the extent's chunks. */
  hashes: Uint8Array
  /**
   * Another process decides when the file is complete: nothing is written any more once `path` is not this file. A
   * write to the finished file would change its modification time, and its owner would no longer serve it.
   */
  isShared?: boolean
}

/**
 * Where an extent's bytes go: they are read straight into a chunk buffer, and each full chunk is verified
 * before it is written. Throws HASH_MISMATCH, or a storage error.
 */
export class ChunkSink {
  readonly #target: ExtentTarget
  readonly #pool: BufferPool
  readonly #onChunk: (chunk: number) => void
  #chunk: number
  /** Of the current chunk. */
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

  /** The space that the next bytes belong in, never past the current chunk. */
  space(): Buffer {
    this.#buffer ??= this.#pool.take()
    return this.#buffer.subarray(this.#filled, this.#length)
  }

  /** The first `n` bytes of the last `space()` are filled. */
  advance(n: number): void {
    this.#filled += n
    if (this.#filled === this.#length) this.#complete()
  }

  get done(): boolean {
    return this.#chunk === this.#target.first + this.#target.count
  }

  /** Nothing is verified, written or told from now on: the descriptor may be closed. What still comes is dropped. */
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
      if (!this.#abandoned) this.#keep()
    } finally {
      // Also after a failure: an abandoned extent's answer is read to its end.
      this.#chunk++
      this.#filled = 0
      if (this.done) this.release()
      else this.#length = chunkLength(this.#target.size, this.#chunk)
    }
  }

  #keep(): void {
    const { fd, path, first, tree, hashes, isShared } = this.#target
    const data = this.#buffer!.subarray(0, this.#length)
    const at = (this.#chunk - first) * HASH_SIZE
    if (!hash('sha256', data, 'buffer').equals(hashes.subarray(at, at + HASH_SIZE)))
      throw new ShoalError('HASH_MISMATCH', `chunk ${this.#chunk} does not match its hash`)
    if (tree) writeTree(tree.root, tree.chunks[this.#chunk - first]!, data)
    else {
      const file = { fd: fd!, path }
      if (isShared) requireNamed(file)
      writeFile(file, data, this.#chunk * CHUNK_SIZE)
    }
    this.#onChunk(this.#chunk)
  }
}
