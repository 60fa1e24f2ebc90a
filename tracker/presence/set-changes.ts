import { fileIdsOf, ID_LENGTH } from '../../tracker-client/api/packed-files.ts'
import type { ServedFiles } from '../../tracker-store/store.ts'

/** A changed file of a peer's set: now complete, now partial, or (null) removed. */
export interface SetChange {
  group: string
  fileId: string
  complete: boolean | null
}

/** Longer differences are not searched: comparing the two whole sets is cheaper then. */
const MAX_EFFORT = 100_000

/**
 * The changes from `before` to `after`, or null if there are too many to find this way. Most announces change one or two
 * files of many, so common prefixes and suffixes are compared as text and not parsed.
 */
export function setChanges(
  before: readonly ServedFiles[],
  after: readonly ServedFiles[],
): SetChange[] | null {
  if (before.length !== after.length) return null
  const changes: SetChange[] = []
  for (let i = 0; i < after.length; i++) {
    const [then, now] = [before[i] as ServedFiles, after[i] as ServedFiles]
    if (then.group !== now.group) return null
    const moved = differing(then.complete, now.complete) + differing(then.partial, now.partial)
    if ((moved.length / ID_LENGTH) * (now.complete.length + now.partial.length) > MAX_EFFORT) return null
    for (const fileId of new Set(fileIdsOf(moved)))
      changes.push({ group: now.group, fileId, complete: stateOf(after, now.group, fileId) })
  }
  return changes
}

/** The ids between the lists' common prefix and common suffix. */
function differing(before: string, after: string): string {
  if (before === after) return ''
  const shorter = Math.min(before.length, after.length) / ID_LENGTH
  const head =
    largest(shorter, (n) => before.slice(0, n * ID_LENGTH) === after.slice(0, n * ID_LENGTH)) * ID_LENGTH
  const [a, b] = [before.slice(head), after.slice(head)]
  const rest = shorter - head / ID_LENGTH
  const tail =
    largest(rest, (n) => a.slice(a.length - n * ID_LENGTH) === b.slice(b.length - n * ID_LENGTH)) * ID_LENGTH
  return a.slice(0, a.length - tail) + b.slice(0, b.length - tail)
}

/** The largest n up to `end` for which `holds(n)`, which holds for all smaller n too. It is usually `end`. */
function largest(end: number, holds: (n: number) => boolean): number {
  if (holds(end)) return end
  let [least, over] = [0, end]
  while (over - least > 1) {
    const middle = (least + over) >> 1
    if (holds(middle)) least = middle
    else over = middle
  }
  return least
}

/** Of duplicates, the last entry wins. */
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
