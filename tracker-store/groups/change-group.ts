import type { Database } from '../database.ts'
import { type GroupKeys, groupIdempotencyKey, groupKeys } from '../keys.ts'
import type { Mutation, Revised } from '../store.ts'

/** A script's keys and arguments, beyond those that every change of a group has (scripts/lib.lua). */
interface Extra {
  keys?: readonly (keyof GroupKeys)[]
  args?: readonly (string | number | Buffer)[]
}

/** The further keys of a script that touches files. */
export const FILE_KEYS = [
  'files',
  'content',
  'hashesPrefix',
  'names',
  'versions',
  'tags',
  'tagHistory',
] as const satisfies (keyof GroupKeys)[]

/** Runs a script that changes a group, and returns its answer. */
export async function changeGroup<T extends Revised>(
  db: Database,
  script: string,
  mutation: Mutation,
  group: string,
  { keys = [], args = [] }: Extra = {},
): Promise<T> {
  const names = groupKeys(group)
  const answer = await db.run(
    script,
    [
      groupIdempotencyKey(group, script, mutation),
      names.revision,
      names.stream,
      names.meta,
      names.members,
      ...keys.map((key) => names[key]),
    ],
    [group, mutation.by, mutation.at, names.channel, ...args],
    group,
  )
  return JSON.parse(answer) as T
}
