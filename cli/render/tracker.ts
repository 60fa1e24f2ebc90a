import type { StatusBody } from '../../tracker-client/api/schemas.ts'
import { countsText, formatBytes, formatSeconds, plural, table } from '../text/format.ts'

const HEADER = ['REPLICA', 'URL', 'REVISION LAG', 'SWARMS', 'PEERS', 'MEMORY', 'UPTIME']

/** The status of the fleet as text. */
export function statusText({ replicas, streams, redis, ...counts }: StatusBody): string {
  const rows = replicas.map(({ id, url, revisionLag, swarms, peers, memory, uptime }) => [
    id,
    url,
    String(revisionLag),
    String(swarms),
    String(peers),
    formatBytes(memory),
    formatSeconds(uptime),
  ])
  return [
    table(HEADER, rows),
    countsText(counts),
    `streams: ${plural(streams.changes, 'change')}, at most ${streams.longest} in one group`,
    `Redis: ${KINDS[redis.kind]}, ${serversText(redis)}, ${formatBytes(redis.memory)} of data`,
  ].join('\n')
}

const KINDS: Record<StatusBody['redis']['kind'], string> = {
  unix: 'on a socket of this machine',
  single: 'one server',
  sentinel: 'watched by Sentinels',
  cluster: 'a Cluster',
}

function serversText({ masters, copies }: StatusBody['redis']): string {
  return `${plural(masters, 'master')} with ${copies === 1 ? '1 copy' : `${copies} copies`}`
}
