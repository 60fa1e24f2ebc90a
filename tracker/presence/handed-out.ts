import { setTimeout as delay } from 'node:timers/promises'
import type { SwarmPeer } from '../../protocol/records.ts'
import type { GroupView } from '../../tracker-store/groups/group-view.ts'
import type { PeerPresence } from '../../tracker-store/store.ts'
import { isLoopback } from './addresses.ts'
import { type Asker, handOut, MAX_HANDOUT } from './handout-policy.ts'
import type { Presence } from './presence.ts'

/** How long an answer waits for call-backs before it names no peer. */
const WAIT_MS = 1000

export interface Join extends Asker {
  view: GroupView
  fileIds: readonly string[]
  /** The address at which the joining peer reached this machine. */
  here: string
  /** Whether it accepts peers without TLS. */
  plain: boolean
}

/** The peers to name to one that joins swarms, by file: only peers that a call-back has reached. */
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
 * Calls back some candidates if no peer is known to be reachable. Resolves when one of them was reached, or none. Null if
 * there is nothing to wait for.
 */
function firstFound(presence: Presence, join: Join, fileId: string): Promise<unknown> | null {
  const isNobody = reachable(presence, join, fileId).next().done === true
  const checks: Promise<void>[] = []
  for (const [peer] of candidates(presence, join, fileId)) {
    const { address, as } = placeOf(peer, join)
    // The replica that a peer announces itself to calls back its announced address.
    if (!isNobody && as === peer.peer) continue
    const check = presence.reachability.check({ ...address, user: peer.user }, as)
    if (check) checks.push(check.then(mustBeThere))
    if (checks.length === MAX_HANDOUT) break
  }
  const first = checks.length === 0 ? null : Promise.any(checks).catch(() => {})
  return isNobody ? first : null
}

function mustBeThere(isThere: boolean): void {
  if (!isThere) throw new Error('unreachable')
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
 * The peer's address as seen by the joining peer, and the key of its call-back's result. A peer that announced itself
 * over the loopback interface is on this machine: others reach it at the tracker's address, if it listens there too.
 */
function placeOf({ peer, host, port, tls }: Readonly<PeerPresence>, join: Join) {
  const moved = isLoopback(host) && !isLoopback(join.host)
  const address = { peer, host: moved ? join.here : host, port, tls }
  return { address, as: moved ? `${peer} ${join.here}` : peer }
}
