import type { ServedFiles } from '../../tracker-store/store.ts'
import { fileIdsOf, ID_LENGTH } from '../api/packed-files.ts'

/** A file of a peer's set that is not as before: served whole, in part, or (null) no more. */
export interface SetChange {
  group: string
  fileId: string
  complete: boolean | null
}

/** Characters that may be looked through for changes; from there on, going through both sets costs less. */
const MAX_EFFORT = 100_000

/**
 * What makes `before` the set that `after` is; null where that is too much to be found this way. Most announces
 * change a file or two of many, and what stays the same is compared, not taken apart.
 */
export function setChanges(
  before: readonly ServedFiles[],
  after: readonly ServedFiles[],
): SetChange[] | null {
  if (before.length !== after.length) return null
  const changes: SetChange[] = []
  for (const [i, now] of after.entries()) {
    const then = before[i] as ServedFiles
    if (then.group !== now.group) return null
    if (then.complete === now.complete && then.partial === now.partial) continue
    const moved = new Set([...moves(then.complete, now.complete), ...moves(then.partial, now.partial)])
    if (moved.size * (now.complete.length + now.partial.length) > MAX_EFFORT) return null
    for (const fileId of moved)
      changes.push({ group: now.group, fileId, complete: stateOf(after, now.group, fileId) })
  }
  return changes
}

/** The ids between what both lists begin with and what both end with. */
function* moves(before: string, after: string): Generator<string> {
  if (before === after) return
  const shorter = Math.min(before.length, after.length)
  let head = 0
  while (head < shorter && before.charCodeAt(head) === after.charCodeAt(head)) head++
  head -= head % ID_LENGTH
  const most = shorter - head
  const [a, b] = [before.length - 1, after.length - 1]
  let tail = 0
  while (tail < most && before.charCodeAt(a - tail) === after.charCodeAt(b - tail)) tail++
  tail -= tail % ID_LENGTH
  yield* fileIdsOf(before.slice(head, before.length - tail))
  yield* fileIdsOf(after.slice(head, after.length - tail))
}

/** What is said twice is as it was said last. */
function stateOf(files: readonly ServedFiles[], group: string, fileId: string): boolean | null {
  for (const served of files.toReversed()) {
    if (served.group !== group) continue
    if (lists(served.partial, fileId)) return false
    if (lists(served.complete, fileId)) return true
  }
  return null
}

function lists(packed: string, fileId: string): boolean {
  let at = packed.indexOf(fileId)
  while (at > 0 && at % ID_LENGTH !== 0) at = packed.indexOf(fileId, at + 1)
  return at >= 0
}
