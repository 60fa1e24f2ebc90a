import { hash } from 'node:crypto'
import { fstatSync, statSync, writeSync } from 'node:fs'
import { CHUNK_SIZE, chunkLength, HASH_SIZE } from '../../protocol/chunking.ts'
import { ShoalError, storageError } from '../../protocol/errors.ts'

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
  fd: number
  /** Its path, for people. */
  path: string
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
    const { fd, path, first, hashes, isShared } = this.#target
    const data = this.#buffer!.subarray(0, this.#length)
    const at = (this.#chunk - first) * HASH_SIZE
    if (!hash('sha256', data, 'buffer').equals(hashes.subarray(at, at + HASH_SIZE)))
      throw new ShoalError('HASH_MISMATCH', `chunk ${this.#chunk} does not match its hash`)
    if (isShared) requireNamed({ fd, path })
    writeFully({ fd, path }, data, this.#chunk * CHUNK_SIZE)
    this.#onChunk(this.#chunk)
  }
}

function requireNamed({ fd, path }: { fd: number; path: string }): void {
  const named = statSync(path, { throwIfNoEntry: false })
  if (named?.ino === fstatSync(fd).ino) return
  throw new ShoalError('FILE_CHANGED', `${path} is complete or gone: nothing is written to it any more`)
}

function writeFully({ fd, path }: { fd: number; path: string }, data: Uint8Array, position: number): void {
  try {
    for (let done = 0; done < data.length; )
      done += writeSync(fd, data, done, data.length - done, position + done)
  } catch (error) {
    throw storageError(error, path)
  }
}
