import { isIPv6 } from 'node:net'
import type { SwarmPeer } from '../../protocol/records.ts'

/** Peers that one answer names at most. */
export const MAX_HANDOUT = 50

export interface Asker {
  peer: string
  host: string
}

/**
 * Which peers of a swarm to name to one that joins it, best first. Half are peers that are themselves still
 * fetching, half are seeds, taken in turns: partial peers first, so that a seed sends each chunk about once.
 * Within both halves the asker's own subnet comes first, and chance decides among equals, so that no peer is
 * everybody's first choice. `random` gives numbers in [0, 1).
 */
export function handOut(swarm: Iterable<SwarmPeer>, asker: Asker, random: () => number): SwarmPeer[] {
  const subnet = subnetOf(asker.host)
  const classes = { partial: { near: [], far: [] }, seed: { near: [], far: [] } } as Classes
  for (const peer of swarm) {
    if (peer.peer === asker.peer) continue
    const half = peer.complete ? classes.seed : classes.partial
    const place = subnetOf(peer.host) === subnet ? half.near : half.far
    place.push(peer)
  }
  return takeTurns(ordered(classes.partial, random), ordered(classes.seed, random)).slice(0, MAX_HANDOUT)
}

type Half = { near: SwarmPeer[]; far: SwarmPeer[] }
type Classes = { partial: Half; seed: Half }

function ordered({ near, far }: Half, random: () => number): SwarmPeer[] {
  const chosen = sample(near, MAX_HANDOUT, random)
  return [...chosen, ...sample(far, MAX_HANDOUT - chosen.length, random)]
}

/** `count` of the items in random order: the first steps of a Fisher-Yates shuffle. Reorders `items`. */
function sample<T>(items: T[], count: number, random: () => number): T[] {
  const n = Math.min(count, items.length)
  for (let i = 0; i < n; i++) {
    const j = i + Math.floor(random() * (items.length - i))
    const item = items[j] as T
    items[j] = items[i] as T
    items[i] = item
  }
  return items.slice(0, n)
}

function takeTurns<T>(first: readonly T[], second: readonly T[]): T[] {
  const turns = Math.max(first.length, second.length)
  return Array.from({ length: turns }, (_, i) => [...first.slice(i, i + 1), ...second.slice(i, i + 1)]).flat()
}

/** The /24 of an IPv4 address, the /64 of an IPv6 one, as a string that only its equals have. */
export function subnetOf(host: string): string {
  if (!isIPv6(host)) return host.slice(0, host.lastIndexOf('.') + 1)
  const [head = '', tail] = host.replace(/%.*$/, '').split('::', 2)
  const groups = head.split(':').filter(Boolean)
  if (tail !== undefined) {
    const missing = 8 - groups.length - tail.split(':').filter(Boolean).length
    groups.push(...Array<string>(Math.max(0, missing)).fill('0'))
    groups.push(...tail.split(':').filter(Boolean))
  }
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
