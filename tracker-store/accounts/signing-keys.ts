import type { Database } from '../database.ts'
import { SIGNING_KEYS } from '../keys.ts'
import type { KeyStore, SigningKey } from '../store.ts'

export class RedisKeys implements KeyStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async list(): Promise<SigningKey[]> {
    const keys = await this.#db.ask((redis) => redis.lrange(SIGNING_KEYS, 0, -1))
    return keys.map((json) => JSON.parse(json) as SigningKey)
  }

  async rotate(candidate: SigningKey, maxAgeMs: number): Promise<SigningKey[]> {
    const young = new Date(Date.parse(candidate.created) - maxAgeMs).toISOString()
    const list = await this.#db.run('rotateKeys', [SIGNING_KEYS], [JSON.stringify(candidate), young], 'keys')
    return JSON.parse(list) as SigningKey[]
  }
}
