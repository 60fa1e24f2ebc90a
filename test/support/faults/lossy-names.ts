import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownNamespaces } from '../../../testkit/namespaces.ts'

export interface Query {
  name: string
  /** 1: A, 28: AAAA. */
  type: number
  /** Milliseconds. */
  at: number
  lost: boolean
}

const ENTER = `ip link set lo up && mount --bind "$1" /etc/resolv.conf || exit 1
shift
exec "$@"`

/**
 * An environment in which the first query for each name gets lost. `under` is the command prefix (RunOptions.under),
 * and `queries` returns the command's queries. Needs Linux, and root or a user who may make namespaces.
 */
export function lossyNames(folder: string): { under: string[]; queries(): Query[] } {
  const [resolver, record] = [join(folder, 'resolv.conf'), join(folder, 'queries.json')]
  writeFileSync(resolver, 'nameserver 127.0.0.1\n')
  const server = [process.execPath, join(import.meta.dirname, 'name-server.ts'), record]
  return {
    under: ownNamespaces(['net'], ENTER, resolver, ...server),
    queries: () => JSON.parse(readFileSync(record, 'utf8')) as Query[],
  }
}
