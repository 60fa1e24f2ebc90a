import { ShoalError } from '../../protocol/errors.ts'
import { fileIdsOf, ID_LENGTH, isPacked } from '../../tracker-client/api/packed-files.ts'
import type { Announce } from '../../tracker-client/api/schemas.ts'
import type { ServedFiles } from '../../tracker-store/store.ts'

/**
 * The files of an announce (idsChecked) in `groups`, leaving out other groups. Reuses the lists of `before` that have not
 * changed, to save memory.
 */
export function servedIn(
  listed: NonNullable<Announce['files']>,
  groups: ReadonlySet<string>,
  before: readonly ServedFiles[] = [],
): readonly ServedFiles[] {
  const files: ServedFiles[] = []
  for (const [i, { group, complete, partial }] of listed.entries()) {
    if (!groups.has(group)) continue
    const then = before[i]
    files.push({
      group,
      complete: complete === then?.complete ? then.complete : complete,
      partial: partial === then?.partial ? then.partial : partial,
    })
  }
  return files
}

/** Ids checked per slice: about a millisecond. */
const IDS_A_TURN = 4000

/**
 * Checks the lists of an announce, yielding before each slice of whatever is new since `before`. Throws BAD_REQUEST if a
 * list is not a sequence of whole ids.
 */
export function* idsChecked(
  listed: NonNullable<Announce['files']>,
  before: readonly ServedFiles[] = [],
): Generator<void> {
  let slice = 0
  for (const [i, { complete, partial }] of listed.entries())
    for (const [ids, then] of [
      [complete, before[i]?.complete] as const,
      [partial, before[i]?.partial] as const,
    ]) {
      if (ids === then) continue
      for (let at = 0; at < ids.length; at += IDS_A_TURN * ID_LENGTH) {
        const part = ids.slice(at, at + IDS_A_TURN * ID_LENGTH)
        if (slice++ > 0) yield
        if (isPacked(part)) continue
        throw new ShoalError(
          'BAD_REQUEST',
          'the body is malformed: a list of files must consist of whole ids in lower-case hex',
        )
      }
    }
}

/** Adds partial files of one group. Returns the same array if the peer already serves all of them. */
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
