import { randomUUID } from 'node:crypto'
import { HASH_SIZE } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import type { Database } from '../database.ts'
import { hashesKey, stagedKey, stampKey } from '../keys.ts'
import type { HashStore } from '../store.ts'

/** Redis's maximum value size, 512 MiB: the hashes of a file of 8 TiB. */
const MAX_BYTES = 512 * 1024 * 1024

export class RedisHashes implements HashStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async stage(group: string, user: string, fileId: string, first: number, page: Uint8Array): Promise<void> {
    if (first * HASH_SIZE + page.byteLength > MAX_BYTES)
      throw new ShoalError('TOO_LARGE', 'the file is larger than 8 TiB, the maximum', {
        hint: 'split the file',
      })
    const bytes = Buffer.from(page.buffer, page.byteOffset, page.byteLength)
    const keys = [stagedKey(group, user, fileId), stampKey(group, user, fileId)]
    await this.#db.run('stageHashes', keys, [first * HASH_SIZE, bytes, randomUUID()], group)
  }

  stamp(group: string, user: string, fileId: string): Promise<string | null> {
    return this.#db.ask((redis) => redis.get(stampKey(group, user, fileId)))
  }

  staged(group: string, user: string, fileId: string, first: number, count: number): Promise<Buffer> {
    return this.#range(stagedKey(group, user, fileId), first, count)
  }

  read(group: string, fileId: string, first: number, count: number): Promise<Buffer> {
    return this.#range(hashesKey(group, fileId), first, count)
  }

  async has(group: string, fileId: string): Promise<boolean> {
    return (await this.#db.ask((redis) => redis.exists(hashesKey(group, fileId)))) === 1
  }

  async #range(key: string, first: number, count: number): Promise<Buffer> {
    if (count <= 0) return Buffer.alloc(0)
    const last = (first + count) * HASH_SIZE - 1
    return this.#db.ask((redis) => redis.getrangeBuffer(key, first * HASH_SIZE, last))
  }
}
