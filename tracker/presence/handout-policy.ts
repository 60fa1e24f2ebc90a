import { isIPv6 } from 'node:net'
import type { SwarmPeer } from '../../protocol/records.ts'

/**
 * The maximum of peers in one answer; about as many more are given this peer's address. Peers exchange what they hold
 * with all of these, so more peers cost more than they bring (bench/simulate).
 */
export const MAX_HANDOUT = 20
/** How many downloading peers keep one seed busy. */
const FETCHERS_A_SEED = 12

export interface Asker {
  peer: string
  host: string
}

/**
 * Chooses which peers of a swarm to name to a joining peer, best first. Partial peers and seeds alternate, partial peers
 * first, so that a seed sends each chunk about once. If there are few seeds for many partial peers, only some joining
 * peers are sent to a seed: a queue there delays all of them, and chunks are fetched twice. Within both halves the asker's
 * own subnet comes first, and the order is random among equals, so that no peer is everybody's first choice.
 * `random` returns numbers in [0, 1).
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
  const chance = seedChance(sizeOf(classes.partial) / sizeOf(classes.seed))
  const seeds = ordered(classes.seed, random).filter(() => random() < chance)
  return takeTurns(ordered(classes.partial, random), seeds).slice(0, MAX_HANDOUT)
}

/**
 * The chance that a seed is named, given the number of partial peers per seed. The first few peers learn of the seed;
 * of any number that follow, about as many again in total (the sum of 1/n² is bounded), plus one in each round of
 * repeated joins (1/n), so that a seed is found again after they have left.
 */
function seedChance(partialPeers: number): number {
  return (FETCHERS_A_SEED / partialPeers) ** 2 + 1 / partialPeers
}

type Half = { near: SwarmPeer[]; far: SwarmPeer[] }
const sizeOf = ({ near, far }: Half): number => near.length + far.length
type Classes = { partial: Half; seed: Half }

function ordered({ near, far }: Half, random: () => number): SwarmPeer[] {
  const chosen = sample(near, MAX_HANDOUT, random)
  return [...chosen, ...sample(far, MAX_HANDOUT - chosen.length, random)]
}

/** `count` random items: the first steps of a Fisher-Yates shuffle. Reorders `items`. */
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

/** The /24 of an IPv4 address or the /64 of an IPv6 address, as a string to compare. */
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
