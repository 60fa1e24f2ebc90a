import { chunkCount } from '../../protocol/chunking.ts'
import { allParts } from '../../protocol/parts.ts'
import type { MovingSwarms, SwarmPicture } from '../../tracker-client/api/schemas.ts'
import type { GroupView } from '../../tracker-store/groups/group-view.ts'
import type { PeerPresence } from '../../tracker-store/store.ts'
import type { Moving } from './progress-table.ts'
import type { SwarmCounts } from './swarm-table.ts'

/** The maximum of peers in one picture, and of swarms in one list. */
export const MAX_SHOWN = 50

type Shown = SwarmPicture['peers'][number]

/**
 * The parts that each peer has of a file of `chunks` chunks. `peers` are the members' peers, each with whether it
 * announces the whole file; the reports add the rest. Seeds come first, then the others, the fastest first. If there is
 * no room for all, each kind gets at least half of the places. Pure.
 */
export function swarmPicture(
  peers: Iterable<[Readonly<PeerPresence>, boolean]>,
  reported: ReadonlyMap<string, Moving>,
  chunks: number,
): Omit<SwarmPicture, 'fileId' | 'size' | 'chunks'> {
  const all = allParts(chunks)
  const seeds: Shown[] = []
  const leechers: Shown[] = []
  for (const [{ peer, user }, complete] of peers) {
    const moving = reported.get(peer)
    // The key pair may belong to another user by now.
    const report = moving?.user === user ? moving : undefined
    const { down = 0, up = 0, held = null, parts = '' } = report ?? {}
    if (complete) seeds.push({ peer, user, seed: true, held: chunks, parts: all, down, up })
    else leechers.push({ peer, user, seed: false, held, parts, down, up })
  }
  const places = Math.max(MAX_SHOWN / 2, MAX_SHOWN - leechers.length)
  const shownSeeds = seeds.sort(busiestFirst).slice(0, places)
  const shownLeechers = leechers.sort(busiestFirst).slice(0, MAX_SHOWN - shownSeeds.length)
  return {
    total: seeds.length + leechers.length,
    seeds: seeds.length,
    leechers: leechers.length,
    down: sum(seeds, 'down') + sum(leechers, 'down'),
    up: sum(seeds, 'up') + sum(leechers, 'up'),
    peers: [...shownSeeds, ...shownLeechers],
  }
}

/** Breaks ties by id, so that a picture drawn twice looks the same. */
const busiestFirst = (a: Shown, b: Shown): number =>
  b.down - a.down || b.up - a.up || (b.held ?? 0) - (a.held ?? 0) || (a.peer < b.peer ? -1 : 1)

/** The files of a group that members' peers are transferring, the busiest first. Pure. */
export function movingSwarms(
  view: GroupView,
  reported: ReadonlyMap<string, ReadonlyMap<string, Moving>>,
  countsOf: (fileId: string) => SwarmCounts,
): MovingSwarms {
  const swarms: MovingSwarms['swarms'] = []
  for (const [fileId, peers] of reported) {
    const file = view.files.ofContent(fileId)
    const moving = [...peers.values()].filter(({ user }) => view.members.has(user))
    if (!file || moving.length === 0) continue
    const { seeders: seeds, leechers } = countsOf(fileId)
    const [down, up] = [sum(moving, 'down'), sum(moving, 'up')]
    const { name, size } = file
    swarms.push({ fileId, name, size, chunks: chunkCount(size), seeds, leechers, down, up })
  }
  swarms.sort((a, b) => b.down - a.down || b.up - a.up || (a.name < b.name ? -1 : 1))
  return { swarms: swarms.slice(0, MAX_SHOWN), total: swarms.length }
}

type Rates = Record<'down' | 'up', number>
const sum = (of: readonly Rates[], rate: keyof Rates): number =>
  of.reduce((total, each) => total + each[rate], 0)
