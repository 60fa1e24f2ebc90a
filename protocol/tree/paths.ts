import { characterFault, DRIVE_LETTER, MAX_PART_BYTES, partFault } from '../names.ts'
import { MAX_PATH_BYTES, MAX_TARGET_BYTES } from './entry.ts'
import { TreeError } from './errors.ts'

/**
 * Names and order of a tree. The order is depth first: a folder, then all that is in it; names in one folder
 * ascend by the bytes of their UTF-8 form. Whole paths in this order ascend by their bytes with the slash below
 * all others.
 */

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Compares two names of one folder. UTF-8 bytes order as code points do. */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

/** Compares two paths of a tree: the order in which `encodeManifest` takes entries. */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    if (x === 0x2f) return -1
    return y === 0x2f ? 1 : rank(x) - rank(y)
  }
  return a.length - b.length
}

/** Puts surrogates, which stand for code points beyond 16 bits, above all other code units. */
const rank = (unit: number): number => (unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit)

/** Why a tree cannot have an entry of this name, as the end of a sentence about "it"; null if it can. */
export function nameFault(name: string, isTopLevel = false): string | null {
  const fault = characterFault(name) ?? partFault(name)
  if (fault !== null) return fault
  if (name.includes('/')) return 'it has a slash'
  return isTopLevel && DRIVE_LETTER.test(name) ? 'it starts with a drive letter' : null
}

/** Why a link in a tree cannot have this target, as the end of a sentence about "it"; null if it can. */
export function targetFault(target: string): string | null {
  const bytes = Buffer.byteLength(target)
  if (bytes === 0) return 'it is empty'
  if (bytes > MAX_TARGET_BYTES) return `it is longer than ${MAX_TARGET_BYTES} bytes`
  const fault = characterFault(target)
  return fault === 'it has a backslash' ? null : fault
}

/** As `nameFault`, of UTF-8 bytes. Most names are plain ASCII and need no string. */
function bytesFault(name: Buffer, isTopLevel: boolean): string | null {
  if (isPlain(name, isTopLevel)) return null
  let text: string
  try {
    text = utf8.decode(name)
  } catch {
    return 'it is not well-formed Unicode'
  }
  return nameFault(text, isTopLevel)
}

/** Whether a glance tells that a name is allowed: letters, digits and the like, and no end of a working name. */
function isPlain(name: Buffer, isTopLevel: boolean): boolean {
  const { length } = name
  if (length === 0 || length > MAX_PART_BYTES || name[0] === 0x2e) return false
  const last = name[length - 1]! | 0x20
  if (length > 10 && (last === 0x74 || last === 0x6c)) return false
  if (isTopLevel && name[1] === 0x3a) return false
  for (let i = 0; i < length; i++) {
    const byte = name[i]!
    if (byte < 0x20 || byte > 0x7e || byte === 0x2f || byte === 0x5c) return false
  }
  return true
}

interface OpenFolder {
  name: Buffer
  /** The name of its latest entry. */
  latest: Buffer | null
  /** Bytes of its path, with the slash behind it. */
  length: number
}

/** Follows a tree depth first and refuses names, orders and paths that no tree has. */
export class TreeWalk {
  readonly #open: OpenFolder[] = [{ name: Buffer.alloc(0), latest: null, length: 0 }]
  #depth = 0

  /** How many folders are open: those that the next entry may leave. */
  get open(): number {
    return this.#open.length - 1
  }

  /** How many folders the latest entry lies in. */
  get depth(): number {
    return this.#depth
  }

  /** The path of the latest entry, the refused one too. */
  get path(): string {
    const folders = this.#open.slice(1, this.#depth + 1).map((folder) => `${folder.name.toString()}/`)
    return folders.join('') + (this.#open[this.#depth]!.latest ?? '').toString()
  }

  /** Leaves `up` folders (at most `open`), then takes an entry. The bytes of `name` must not change later. */
  enter(up: number, name: Buffer, isFolder: boolean): void {
    this.#open.length -= up
    this.#depth = this.open
    const folder = this.#open.at(-1)!
    const { latest } = folder
    const length = folder.length + name.length
    folder.latest = name
    const fault = bytesFault(name, this.#depth === 0)
    if (fault !== null) throw new TreeError('name', `a tree cannot have this name: ${fault}`, this.path)
    if (length > MAX_PATH_BYTES)
      throw new TreeError('path-length', `the path is longer than ${MAX_PATH_BYTES} bytes`, this.path)
    const order = latest === null ? 1 : name.compare(latest)
    if (order === 0) throw new TreeError('order', 'the path occurs twice', this.path)
    if (order < 0)
      throw new TreeError(
        'order',
        `it follows ${JSON.stringify(latest!.toString())}, out of order`,
        this.path,
      )
    if (isFolder) this.#open.push({ name, latest: null, length: length + 1 })
  }
}
