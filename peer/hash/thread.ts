import { hash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import type { ThreadAnswer } from '../../packed/thread-pool.ts'
import { CHUNK_SIZE, HASH_SIZE } from '../../protocol/chunking.ts'
import { encodeError } from '../../protocol/errors.ts'

/** Hash chunks [first, first + count) of the file at `path`, which has `size` bytes. */
export interface HashRequest {
  path: string
  size: number
  first: number
  count: number
}

const CHUNKS_A_READ = 4
const buffer = Buffer.allocUnsafeSlow(CHUNKS_A_READ * CHUNK_SIZE)

/** Packed hashes of the chunks. Throws ESTALE if the file is shorter than `size`. */
export function hashChunks({ path, size, first, count }: HashRequest): Uint8Array {
  const hashes = new Uint8Array(count * HASH_SIZE)
  const fd = openSync(path, 'r')
  try {
    for (let done = 0; done < count; done += CHUNKS_A_READ) {
      const start = (first + done) * CHUNK_SIZE
      const length = Math.min(size - start, Math.min(CHUNKS_A_READ, count - done) * CHUNK_SIZE)
      readExactly(fd, length, start, path)
      for (let at = 0; at < length; at += CHUNK_SIZE) {
        const digest = hash('sha256', buffer.subarray(at, Math.min(length, at + CHUNK_SIZE)), 'buffer')
        hashes.set(digest, (done + at / CHUNK_SIZE) * HASH_SIZE)
      }
    }
  } finally {
    closeSync(fd)
  }
  return hashes
}

function readExactly(fd: number, length: number, position: number, path: string): void {
  for (let done = 0; done < length; ) {
    const n = readSync(fd, buffer, done, length - done, position + done)
    if (n === 0)
      throw Object.assign(new Error(`${path} became shorter while it was read`), { code: 'ESTALE' })
    done += n
  }
}

parentPort?.on('message', (request: HashRequest) => {
  const answer = (message: ThreadAnswer<Uint8Array>, transfer: ArrayBuffer[] = []): void =>
    parentPort?.postMessage(message, transfer)
  try {
    const hashes = hashChunks(request)
    answer({ answer: hashes }, [hashes.buffer as ArrayBuffer])
  } catch (error) {
    answer({ error: encodeError(error as Error) })
  }
})
