import type { Background } from '../packed/background.ts'
import { type Database, isUnavailable, tolerateOutage, untilRedisAnswers } from './database.ts'
import { REPLICA_DIRECTORY, replicaKey } from './keys.ts'
import type { ReplicaInfo, ReplicaStore } from './store.ts'

const BEAT_MS = 2000
/** A replica that is silent this long is gone. Redis's clock decides, because clocks of hosts differ. */
const EXPIRY_MS = 10_000

export class RedisReplicas implements ReplicaStore {
  readonly #db: Database
  readonly #id: string
  readonly #lag: () => number
  #timer: NodeJS.Timeout | undefined
  readonly #failed: (error: unknown) => void

  /** `lag` returns how many revisions this replica's views are behind. */
  constructor(db: Database, id: string, lag: () => number, background: Background) {
    this.#db = db
    this.#id = id
    this.#lag = lag
    this.#failed = background.owner(
      'the heartbeat of this replica',
      'other replicas consider it gone',
      isUnavailable,
    )
  }

  async join(info: () => Omit<ReplicaInfo, 'revisionLag'>): Promise<void> {
    const beat = (): Promise<void> => this.#beat({ ...info(), revisionLag: this.#lag() })
    await untilRedisAnswers(beat)
    // The expiry allows for a missed beat.
    this.#timer = setInterval(() => beat().catch(this.#failed), BEAT_MS).unref()
  }

  list(): Promise<ReplicaInfo[]> {
    return listReplicas(this.#db)
  }

  /** Leaves the fleet at once, if Redis answers. */
  async leave(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all([
      this.#db.ask((redis) => redis.del(replicaKey(this.#id))),
      this.#db.ask((redis) => redis.srem(REPLICA_DIRECTORY, this.#id)),
    ]).catch(tolerateOutage)
  }

  async #beat(info: ReplicaInfo): Promise<void> {
    await Promise.all([
      this.#db.ask((redis) => redis.set(replicaKey(this.#id), JSON.stringify(info), 'PX', EXPIRY_MS)),
      this.#db.ask((redis) => redis.sadd(REPLICA_DIRECTORY, this.#id)),
    ])
  }
}

/** Lists the live replicas and removes what dead ones left. */
export async function listReplicas(db: Database): Promise<ReplicaInfo[]> {
  const ids = await db.ask((redis) => redis.smembers(REPLICA_DIRECTORY))
  if (ids.length === 0) return []
  const replies = await db.ask((redis) => redis.mget(ids.map(replicaKey)))
  const gone = ids.filter((_, i) => replies[i] === null)
  if (gone.length > 0) await db.ask((redis) => redis.srem(REPLICA_DIRECTORY, gone))
  return replies.flatMap((json) => (json ? [JSON.parse(json) as ReplicaInfo] : []))
}
