import { firstOf, ShoalError } from '../errors.ts'
import type { TreeIndex } from './tree-index.ts'

/**
 * Paths that some file systems take for one: they differ only in case or Unicode form. APFS and NTFS ignore case,
 * HFS+ the Unicode form, ext4's casefold both. Only the topmost folders of two such paths are named.
 */
export interface Collision {
  first: string
  second: string
}

/**
 * The form in which colliding names are equal: full case folding, as ext4's casefold has it, in NFC. JavaScript
 * has no case folding; lower case of upper case is the same but for a few letters.
 */
export function foldName(name: string): string {
  return name.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC')
}

/** Finds collisions in a list of paths, in any order; equal paths do not collide. Memory grows with the paths. */
export function collisions(paths: Iterable<string>): Collision[] {
  const seen = new Map<string, string>()
  const found = new Map<string, Collision>()
  for (const path of paths) {
    for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
      const part = end < 0 ? path : path.slice(0, end)
      const folded = foldName(part)
      const first = seen.get(folded)
      if (first === undefined) seen.set(folded, part)
      else if (first !== part) {
        found.set(part, { first, second: part })
        break
      }
      if (end < 0) break
    }
  }
  return [...found.values()]
}

/** The same for a tree, in 8 bytes an entry and what collides: only names with equal hashes are compared. */
export function treeCollisions(index: TreeIndex): Collision[] {
  const keys = new Float64Array(index.count)
  for (let i = 0; i < index.count; i++) keys[i] = hashOf(index, i) * ENTRY_RANGE + i
  keys.sort()
  const found: Collision[] = []
  const entryOf = (place: number): number => keys[place]! % ENTRY_RANGE
  const hashAt = (place: number): number => Math.floor(keys[place]! / ENTRY_RANGE)
  for (let from = 0, to = 1; from < keys.length; from = to++) {
    while (to < keys.length && hashAt(to) === hashAt(from)) to++
    if (to - from > 1)
      found.push(
        ...collisionsOf(
          index,
          Array.from({ length: to - from }, (_, k) => entryOf(from + k)),
        ),
      )
  }
  return found
}

/** More than MAX_ENTRIES; with a hash of 32 bits, a key is still an exact number. */
const ENTRY_RANGE = 2 ** 20

function collisionsOf(index: TreeIndex, entries: readonly number[]): Collision[] {
  const seen = new Map<string, number>()
  const found: Collision[] = []
  for (const entry of entries) {
    const key = `${index.parent(entry)}/${foldName(index.name(entry))}`
    const first = seen.get(key)
    if (first === undefined) seen.set(key, entry)
    else found.push({ first: index.path(first), second: index.path(entry) })
  }
  return found
}

/** FNV-1a of the folder and the folded name. Names in ASCII are folded byte by byte. */
function hashOf(index: TreeIndex, entry: number): number {
  const bytes = index.nameBytes(entry)
  let hash = Math.imul(index.parent(entry) ^ 0x811c9dc5, 0x01000193)
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (byte > 0x7f) return hashOfText(index.parent(entry), foldName(index.name(entry)))
    hash = Math.imul(hash ^ (byte > 0x40 && byte < 0x5b ? byte + 0x20 : byte), 0x01000193)
  }
  return hash >>> 0
}

function hashOfText(parent: number, text: string): number {
  let hash = Math.imul(parent ^ 0x811c9dc5, 0x01000193)
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

/** One message for all collisions of an upload. */
export function collisionError(found: readonly Collision[]): ShoalError {
  const pairs = found.map(({ first, second }) => `${JSON.stringify(first)} and ${JSON.stringify(second)}`)
  return new ShoalError(
    'NAMES_COLLIDE',
    `names differ only in case or Unicode form, so not every file system can hold both: ${firstOf(pairs, 5)}`,
    { hint: 'rename one of them' },
  )
}
