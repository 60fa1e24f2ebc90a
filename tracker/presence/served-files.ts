import { ShoalError } from '../../protocol/errors.ts'
import type { ServedFiles } from '../../tracker-store/store.ts'
import { fileIdsOf, ID_LENGTH, isPacked } from '../api/packed-files.ts'
import type { Announce } from '../api/schemas.ts'

/**
 * What an announce lists, without the files of groups other than `groups`. Lists that are as in `before` are those of
 * `before`: not checked again, nor kept twice. Throws BAD_REQUEST where one is not whole ids.
 */
export function servedIn(
  listed: NonNullable<Announce['files']>,
  groups: ReadonlySet<string>,
  before: readonly ServedFiles[] = [],
): readonly ServedFiles[] {
  const files: ServedFiles[] = []
  for (const [i, { group, complete, partial }] of listed.entries()) {
    const then = before[i]
    const served = {
      group,
      complete: checked(complete, then?.complete),
      partial: checked(partial, then?.partial),
    }
    if (groups.has(group)) files.push(served)
  }
  return files
}

function checked(ids: string, before: string | undefined): string {
  if (ids === before) return before
  if (!isPacked(ids))
    throw new ShoalError(
      'BAD_REQUEST',
      'the body is malformed: a list of files is not whole ids in lower-case hex',
    )
  return ids
}

/** The files with some more of one group, of which the peer has parts; the same where it serves all of them already. */
export function withPartial(
  files: readonly ServedFiles[],
  group: string,
  fileIds: readonly string[],
): readonly ServedFiles[] {
  const served = files.find((each) => each.group === group) ?? { group, complete: '', partial: '' }
  const there = new Set([...fileIdsOf(served.complete), ...fileIdsOf(served.partial)])
  const added = [...new Set(fileIds)].filter((fileId) => !there.has(fileId))
  if (added.length === 0) return files
  const others = files.filter((each) => each !== served)
  return [...others, { ...served, partial: served.partial + added.join('') }]
}

export const countFiles = (files: readonly ServedFiles[]): number =>
  files.reduce((sum, { complete, partial }) => sum + (complete.length + partial.length) / ID_LENGTH, 0)
