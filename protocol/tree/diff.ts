import type { EntryRange } from './listing.ts'
import type { TreeIndex } from './tree-index.ts'

export type ChangedProperty = 'kind' | 'content' | 'mode' | 'mtime' | 'target'

/** A difference between two trees. `before` and `after` are entries of the first and the second. */
export type Change =
  | { change: 'removed'; before: number }
  | { change: 'added'; after: number }
  | { change: 'changed'; before: number; after: number; properties: ChangedProperty[] }

interface Pair {
  a: number
  aEnd: number
  b: number
  bEnd: number
}

/**
 * The changes from tree `a` to tree `b`, in tree order, or from a folder of `a` to one of `b` (`inside` of listing.ts).
 * Takes O(n) time, and memory for the open folders.
 */
export function* diff(
  a: TreeIndex,
  b: TreeIndex,
  before: EntryRange = { first: 0, end: a.count },
  after: EntryRange = { first: 0, end: b.count },
): Generator<Change> {
  const open: Pair[] = [{ a: before.first, aEnd: before.end, b: after.first, bEnd: after.end }]
  for (let pair = open.at(-1); pair !== undefined; pair = open.at(-1)) {
    const order = compareNext(a, b, pair)
    if (order === null) open.pop()
    else if (order < 0) {
      yield* removed(pair.a, a.end(pair.a))
      pair.a = a.end(pair.a)
    } else if (order > 0) {
      yield* added(pair.b, b.end(pair.b))
      pair.b = b.end(pair.b)
    } else {
      const before = pair.a
      const after = pair.b
      pair.a = a.end(before)
      pair.b = b.end(after)
      const properties = changedProperties(a, before, b, after)
      if (properties.length > 0) yield { change: 'changed', before, after, properties }
      open.push({ a: before + 1, aEnd: pair.a, b: after + 1, bEnd: pair.b })
    }
  }
}

/** Compares the next entries of a folder in both trees: negative if `a` has the first name. Null at the end of both. */
function compareNext(a: TreeIndex, b: TreeIndex, pair: Pair): number | null {
  if (pair.a >= pair.aEnd) return pair.b >= pair.bEnd ? null : 1
  if (pair.b >= pair.bEnd) return -1
  return a.nameBytes(pair.a).compare(b.nameBytes(pair.b))
}

function* removed(first: number, end: number): Generator<Change> {
  for (let before = first; before < end; before++) yield { change: 'removed', before }
}

function* added(first: number, end: number): Generator<Change> {
  for (let after = first; after < end; after++) yield { change: 'added', after }
}

function changedProperties(a: TreeIndex, before: number, b: TreeIndex, after: number): ChangedProperty[] {
  const kind = a.kind(before)
  if (kind !== b.kind(after)) return ['kind']
  const properties: ChangedProperty[] = []
  if (kind === 'file' && (a.size(before) !== b.size(after) || !a.sha256(before).equals(b.sha256(after))))
    properties.push('content')
  if (kind === 'link' && a.target(before) !== b.target(after)) properties.push('target')
  if (a.mode(before) !== b.mode(after)) properties.push('mode')
  if (a.mtimeNs(before) !== b.mtimeNs(after)) properties.push('mtime')
  return properties
}
