import { isIPv6 } from 'node:net'
import type { SwarmPeer } from '../../protocol/records.ts'

/**
 * Peers that one answer names at most; about as many again are given this one's name. What each holds is told
 * to all of them, so more cost more than they bring (bench/simulate).
 */
export const MAX_HANDOUT = 20
/** So many peers that are still fetching keep a seed busy. */
const FETCHERS_A_SEED = 12

export interface Asker {
  peer: string
  host: string
}

/**
 * Which peers of a swarm to name to one that joins it, best first. Partial peers and seeds take turns, partial
 * peers first, so that a seed sends each chunk about once; where there are few seeds for many partial peers,
 * only some who ask are sent to a seed, since a queue there makes all of them late and fetches things twice.
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
  const chance = seedChance(sizeOf(classes.partial) / sizeOf(classes.seed))
  const seeds = ordered(classes.seed, random).filter(() => random() < chance)
  return takeTurns(ordered(classes.partial, random), seeds).slice(0, MAX_HANDOUT)
}

/**
 * The chance that a seed is named, for so many partial peers a seed: the first few learn of it, and of any
 * number that follow about as many again in all (the sum of 1/n² is bounded), and one in each round of asking
 * again (1/n), so that a seed is found anew when they are gone.
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
