import { setTimeout as delay } from 'node:timers/promises'
import type { SwarmPeer } from '../../protocol/records.ts'
import type { GroupView } from '../../tracker-store/groups/group-view.ts'
import type { PeerPresence } from '../../tracker-store/store.ts'
import { isLoopback } from './addresses.ts'
import { type Asker, handOut, MAX_HANDOUT } from './handout-policy.ts'
import type { Presence } from './presence.ts'

/** How long an answer waits for call-backs rather than name nobody. */
const WAIT_MS = 1000

export interface Join extends Asker {
  view: GroupView
  fileIds: readonly string[]
  /** The address at which the asker reached this machine. */
  here: string
  /** Whether it takes peers without TLS too. */
  plain: boolean
}

/** Whom to name to a peer that joins swarms: peers that were found at their addresses when called back, by file. */
export async function handedOut(presence: Presence, join: Join): Promise<Map<string, SwarmPeer[]>> {
  const limit = new AbortController()
  const waits = join.fileIds.map((fileId) => firstFound(presence, join, fileId))
  const due = waits.filter((wait) => wait !== null)
  if (due.length > 0) {
    const late = delay(WAIT_MS, undefined, { signal: limit.signal }).catch(() => {})
    await Promise.race([Promise.all(due), late])
    limit.abort()
  }
  return new Map(
    join.fileIds.map((fileId) => [fileId, handOut(reachable(presence, join, fileId), join, Math.random)]),
  )
}

function* reachable(presence: Presence, join: Join, fileId: string): Generator<SwarmPeer> {
  for (const [peer, complete] of candidates(presence, join, fileId)) {
    const { address, as } = placeOf(peer, join)
    const isThere = (as === peer.peer && peer.reachable) || presence.reachability.isProven(address, as)
    if (isThere) yield { ...address, complete }
  }
}

/**
 * Where nobody is known to be reachable, calls some back who may be: resolves when one of them was found, or none;
 * null where there is nothing to wait for.
 */
function firstFound(presence: Presence, join: Join, fileId: string): Promise<unknown> | null {
  const isNobody = reachable(presence, join, fileId).next().done === true
  const checks: Promise<void>[] = []
  for (const [peer] of candidates(presence, join, fileId)) {
    const { address, as } = placeOf(peer, join)
    // The replica that a peer announces itself to calls it back at its own address.
    if (!isNobody && as === peer.peer) continue
    const check = presence.reachability.check({ ...address, user: peer.user }, as)
    if (check) checks.push(check.then(mustBeThere))
    if (checks.length === MAX_HANDOUT) break
  }
  const first = checks.length === 0 ? null : Promise.any(checks).catch(() => {})
  return isNobody ? first : null
}

function mustBeThere(isThere: boolean): void {
  if (!isThere) throw new Error('not there')
}

function* candidates(
  { table }: Presence,
  { view, peer, plain }: Join,
  fileId: string,
): Generator<[peer: Readonly<PeerPresence>, complete: boolean]> {
  for (const found of table.membersSwarm(view, fileId))
    if (found[0].peer !== peer && (plain || found[0].tls)) yield found
}

/**
 * Where the asker finds the peer, and what the verdict on that is kept under. A peer that announced itself over the
 * loopback interface is on this machine: others reach it where they reached this tracker, if it listens there too.
 */
function placeOf({ peer, host, port, tls }: Readonly<PeerPresence>, join: Join) {
  const moved = isLoopback(host) && !isLoopback(join.host)
  const address = { peer, host: moved ? join.here : host, port, tls }
  return { address, as: moved ? `${peer} ${join.here}` : peer }
}
