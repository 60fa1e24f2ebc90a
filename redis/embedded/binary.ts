import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { unpacked } from '../../packed/unpack.ts'
import { ShoalError } from '../../protocol/errors.ts'

const SERVERS = ['valkey-server', 'redis-server']
const PACKED_SERVER = new URL('./packed/valkey-server', import.meta.url)

/**
 * Finds the Redis-compatible server to run: `SHOAL_REDIS_BIN`, else the one in the single binary, else the
 * first of valkey-server and redis-server on PATH. Throws REDIS_NOT_FOUND with the command that installs one,
 * or a storage error if the packed server cannot be unpacked.
 */
export function findRedisServer(env: NodeJS.ProcessEnv = process.env): string {
  if (env.SHOAL_REDIS_BIN) {
    if (isExecutable(env.SHOAL_REDIS_BIN)) return env.SHOAL_REDIS_BIN
    throw new ShoalError(
      'REDIS_NOT_FOUND',
      `SHOAL_REDIS_BIN names ${env.SHOAL_REDIS_BIN}, which is not executable`,
      {
        hint: 'set it to the path of redis-server or valkey-server, or unset it',
      },
    )
  }
  const packed = unpacked(PACKED_SERVER)
  if (packed) return packed
  for (const name of SERVERS)
    for (const folder of (env.PATH ?? '').split(delimiter)) {
      if (folder !== '' && isExecutable(join(folder, name))) return join(folder, name)
    }
  throw new ShoalError('REDIS_NOT_FOUND', 'no Redis server is installed', {
    hint: `install one (${installCommand()}), or pass --redis URL`,
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export function installCommand(platform: NodeJS.Platform = process.platform): string {
  return platform === 'darwin' ? 'brew install redis' : 'sudo apt-get install redis-server'
}
