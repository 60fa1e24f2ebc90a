import { masters } from '../redis/connect.ts'
import { parseRedisUrl } from '../redis/url.ts'
import type { Database } from './database.ts'
import type { RedisStatus } from './store.ts'

/** The state of the servers at `url`, to which `db` is connected. */
export async function redisStatus(db: Database, url: string): Promise<RedisStatus> {
  const infos = await db.ask((redis) =>
    Promise.all(
      masters(redis).map(async (node) => `${await node.info('memory')}${await node.info('replication')}`),
    ),
  )
  const sum = (field: string): number =>
    infos.reduce((total, info) => total + Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(info)?.[1] ?? 0), 0)
  return {
    kind: parseRedisUrl(url).kind,
    masters: infos.length,
    copies: sum('connected_slaves'),
    memory: sum('used_memory'),
  }
}
