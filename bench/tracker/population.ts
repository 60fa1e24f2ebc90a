import { randomBytes, randomUUID } from 'node:crypto'
import { MAX_BATCH } from '../../tracker/api/limits.ts'
import type { Served } from '../../tracker/api/packed-files.ts'
import type { Announcement } from '../../tracker/client/client.ts'
import type { Mutation } from '../../tracker-store/store.ts'
import { type BenchUser, smallFile, type TrackerFleet } from '../lib/tracker-fleet.ts'

export const GROUP = 'bench'
const FIRST_PORT = 20_000

export interface Peer {
  token: string
  /** The peer's announce without the sequence. */
  announce: Omit<Announcement, 'sequence' | 'files'> & { files: Served[] }
}

export interface Population {
  users: BenchUser[]
  /** The group's file ids by name, in name order. */
  files: Map<string, string>
}

/** Creates users, and a group with all of them and with files. */
export async function populate(
  fleet: TrackerFleet,
  size: { users: number; files: number },
): Promise<Population> {
  const users = await fleet.users(size.users)
  const [owner, ...others] = users as [BenchUser, ...BenchUser[]]
  const { groups } = fleet.store
  await fleet.group(GROUP, owner)
  for (const part of batches(others)) {
    await Promise.all(part.map((user) => groups.request(by(user), GROUP)))
    await groups.accept(
      by(owner),
      GROUP,
      part.map(({ user }) => user),
    )
  }
  const names = Array.from(
    { length: size.files },
    (_, i) => `builds/release-${String(i).padStart(6, '0')}.tar.zst`,
  )
  const files = names.map(smallFile)
  for (const part of batches(files)) await groups.publish(by(owner), GROUP, part)
  return { users, files: new Map(files.map(({ name, fileId }) => [name, fileId])) }
}

/**
 * Peers spread evenly over users and files, not yet announced. A peer's files are `stride` apart in the list,
 * and a quarter of them are partial.
 */
export function peersOf({ users, files }: Population, count: number, filesEach: number, stride = 37): Peer[] {
  const ids = [...files.values()]
  return Array.from({ length: count }, (_, i) => {
    const served = Array.from({ length: filesEach }, (_, k) => ids[(i + k * stride) % ids.length]!)
    return {
      token: users[i % users.length]!.token,
      announce: {
        peer: randomBytes(32).toString('hex'),
        port: FIRST_PORT + (i % 10_000),
        tls: true,
        files: served.map((fileId, k) => ({ group: GROUP, fileId, complete: k % 4 !== 0 })),
      },
    }
  })
}

const by = ({ user }: BenchUser): Mutation => ({ key: randomUUID(), by: user, at: new Date().toISOString() })

function batches<T>(items: readonly T[]): T[][] {
  const count = Math.ceil(items.length / MAX_BATCH)
  return Array.from({ length: count }, (_, i) => items.slice(i * MAX_BATCH, (i + 1) * MAX_BATCH))
}
