import { randomUUID } from 'node:crypto'
import { sha256 } from '../../protocol/merkle.ts'
import { TestRedis } from '../../testkit/redis-server.ts'
import { ReplicaProcess } from '../../testkit/replica-process.ts'
import { tinyFile } from '../../testkit/write-load.ts'
import { hashToken, newToken } from '../../tracker/auth/tokens.ts'
import { openStore } from '../../tracker-store/open.ts'
import type { Mutation, NewFile, Store } from '../../tracker-store/store.ts'
import { memoryFolder } from './files.ts'
import { cleanly } from './on-signal.ts'

export interface BenchUser {
  user: string
  token: string
}

const HOUR_MS = 3_600_000

/** A real Redis, with tracker replicas in processes of their own (`shoal tracker start`). */
export class TrackerFleet {
  readonly redis: TestRedis
  readonly replicas: ReplicaProcess[] = []
  /** Direct access for set-up, without password hashing or requests. */
  readonly store: Store

  private constructor(redis: TestRedis, store: Store) {
    this.redis = redis
    this.store = store
  }

  /** Runs `use` with a fleet, then stops all of it, even after a failure. */
  static async with(replicas: number, use: (fleet: TrackerFleet) => Promise<void>): Promise<void> {
    process.env.TMPDIR = memoryFolder()
    const redis = await TestRedis.start()
    const live = async (): Promise<void> => {
      const store = await openStore({ redis: redis.url, replicaId: 'bench' })
      const fleet = new TrackerFleet(redis, store)
      const run = async (): Promise<void> => {
        for (let i = 0; i < replicas; i++) await fleet.add()
        await use(fleet)
      }
      await cleanly(run, () => fleet.#stop())
    }
    await cleanly(live, () => redis.stop())
  }

  async add(): Promise<ReplicaProcess> {
    const replica = await ReplicaProcess.start(this.redis.url)
    this.replicas.push(replica)
    return replica
  }

  /** Creates users with a session each, named `kind`-0, `kind`-1, and so on. */
  users(count: number, kind = 'user'): Promise<BenchUser[]> {
    const make = async (user: string): Promise<BenchUser> => {
      const token = newToken(user)
      const expires = new Date(Date.now() + HOUR_MS).toISOString()
      await this.store.users.create(by(user), { user, passwordHash: 'nobody logs in' })
      await this.store.sessions.create(by(user), { tokenHash: hashToken(token), expires, scope: 'write' })
      return { user, token }
    }
    return Promise.all(Array.from({ length: count }, (_, i) => make(`${kind}-${i}`)))
  }

  async group(group: string, owner: BenchUser): Promise<void> {
    await this.store.groups.create(by(owner.user), group)
  }

  async #stop(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.stop()))
    await this.store.close()
  }
}

const by = (user: string): Mutation => ({ key: randomUUID(), by: user, at: new Date().toISOString() })

/** The id of a peer that does not exist. */
export const peerId = (n: number): string => sha256(Buffer.from(`peer ${n}`)).toString('hex')

/** A file of one byte, derived from its name. */
export function smallFile(name: string): NewFile & { hashes: Buffer } {
  const { hashes = '', ...file } = tinyFile(name)
  return { ...file, hashes: Buffer.from(hashes, 'base64') }
}
