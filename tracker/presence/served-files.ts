import type { ServedFiles } from '../../tracker-store/store.ts'
import type { Announce } from '../api/schemas.ts'

/** Length of a file id in hex. */
const ID_LENGTH = 64

/** What an announce lists, packed, without the files of groups other than `groups`. */
export function packFiles(
  listed: NonNullable<Announce['files']>,
  groups: ReadonlySet<string>,
): readonly ServedFiles[] {
  const byGroup = new Map<string, ServedFiles>()
  let served: ServedFiles | undefined
  for (const { group, fileId, complete } of listed) {
    // Files of one group come one after the other, as a rule.
    if (served?.group !== group) {
      served = byGroup.get(group)
      if (!served && groups.has(group)) {
        served = { group, complete: '', partial: '' }
        byGroup.set(group, served)
      }
    }
    if (!served) continue
    if (complete) served.complete += fileId
    else served.partial += fileId
  }
  return [...byGroup.values()]
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

/** Whether both list the same in the same order, as a peer does that announces again what it served before. */
export const isSameSet = (a: readonly ServedFiles[], b: readonly ServedFiles[]): boolean =>
  a.length === b.length &&
  a.every(({ group, complete, partial }, i) => {
    const other = b[i]
    return other?.group === group && other.complete === complete && other.partial === partial
  })

export const countFiles = (files: readonly ServedFiles[]): number =>
  files.reduce((sum, { complete, partial }) => sum + (complete.length + partial.length) / ID_LENGTH, 0)

export function* fileIdsOf(packed: string): Generator<string> {
  for (let at = 0; at < packed.length; at += ID_LENGTH) yield packed.slice(at, at + ID_LENGTH)
}
