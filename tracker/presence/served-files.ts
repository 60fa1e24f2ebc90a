import { ShoalError } from '../../protocol/errors.ts'
import type { ServedFiles } from '../../tracker-store/store.ts'
import { fileIdsOf, ID_LENGTH } from '../api/packed-files.ts'
import type { Announce } from '../api/schemas.ts'

/**
 * What an announce lists, without the files of groups other than `groups`. Throws BAD_REQUEST where a list does not
 * end with the end of an id.
 */
export function servedIn(
  listed: NonNullable<Announce['files']>,
  groups: ReadonlySet<string>,
): readonly ServedFiles[] {
  for (const { complete, partial } of listed)
    if ((complete.length | partial.length) % ID_LENGTH !== 0)
      throw new ShoalError('BAD_REQUEST', 'the body is malformed: the last file id of a list is cut off')
  return listed
    .filter(({ group }) => groups.has(group))
    .map(({ group, complete, partial }) => ({ group, complete, partial }))
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
