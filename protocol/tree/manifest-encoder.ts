import { HASH_SIZE, MAX_FILE_SIZE } from '../chunking.ts'
import { KINDS, MAX_MODE, MAX_TARGET_BYTES, type TreeEntry } from './entry.ts'
import { TreeError } from './errors.ts'
import { limitFault, type TreeTotals } from './footer.ts'
import { TreeWalk, targetFault } from './paths.ts'
import { writeNumber, writeSigned64 } from './varint.ts'

/** Head, name, time, and size with hash or target: no entry is longer. */
export const MAX_ENTRY_BYTES = 4 + 2 + 255 + 10 + 2 + MAX_TARGET_BYTES
const PAGE_SIZE = 256 * 1024
const MIN_TIME = -(2n ** 63n)
const MAX_TIME = 2n ** 63n - 1n

/** Packs up (folders to leave), mode and kind into the first number of an entry. */
export const headOf = (up: number, mode: number, kind: number): number => up * 2048 + mode * 4 + kind

/**
 * Encodes a manifest page by page, in memory that does not grow with it. Takes entries in the order of
 * `comparePaths`, each after the folder that it lies in. Throws TreeError on the first that breaks a rule.
 */
export class ManifestEncoder {
  readonly #walk = new TreeWalk()
  /** Paths of the folders that are open, the root first. */
  readonly #folders: string[] = ['']
  readonly #totals: TreeTotals = { manifest: 0, entries: 0, hashes: 0, names: 0, targets: 0 }
  #page = Buffer.allocUnsafe(PAGE_SIZE)
  #used = 0
  #time = 0n

  /** The totals so far, which make the footer at the end. */
  get totals(): TreeTotals {
    return { ...this.#totals }
  }

  /** Adds an entry. Returns a page where one is full, else null. */
  add(entry: TreeEntry): Buffer | null {
    const full = this.#used + MAX_ENTRY_BYTES > PAGE_SIZE ? this.flush() : null
    const start = this.#used
    this.#write(entry)
    this.#totals.entries++
    this.#totals.manifest += this.#used - start
    const limit = limitFault(this.#totals)
    if (limit !== null) throw new TreeError('limit', limit, null, 'publish it as several folders')
    return full
  }

  /** The bytes added since the last page. Null if there are none. */
  flush(): Buffer | null {
    if (this.#used === 0) return null
    const page = this.#page.subarray(0, this.#used)
    this.#page = Buffer.allocUnsafe(PAGE_SIZE)
    this.#used = 0
    return page
  }

  #write(entry: TreeEntry): void {
    const { path, mtimeNs } = entry
    if (!path.isWellFormed())
      throw new TreeError('name', 'a tree cannot have this name: it is not well-formed Unicode', path)
    if (path.startsWith('/'))
      throw new TreeError('name', 'a tree cannot have this name: it starts with a slash', path)
    const slash = path.lastIndexOf('/')
    const up = this.#leaveFor(path, slash < 0 ? '' : path.slice(0, slash))
    const name = Buffer.from(path.slice(slash + 1))
    this.#walk.enter(up, name, entry.kind === 'folder')
    if (entry.kind === 'folder') this.#folders.push(path)
    if (mtimeNs < MIN_TIME || mtimeNs > MAX_TIME)
      throw new TreeError('time', 'the modification time does not fit in 64 bits', path)
    const mode = entry.kind === 'link' ? 0 : entry.mode
    if (!(Number.isInteger(mode) && mode >= 0 && mode <= MAX_MODE))
      throw new TreeError('mode', 'the mode is more than nine permission bits', path)
    this.#number(headOf(up, mode, KINDS.indexOf(entry.kind)))
    this.#string(name)
    this.#totals.names += name.length
    this.#used = writeSigned64(this.#page, this.#used, BigInt.asIntN(64, mtimeNs - this.#time))
    this.#time = mtimeNs
    if (entry.kind === 'file') this.#content(path, entry.size, entry.sha256)
    else if (entry.kind === 'link') this.#target(path, entry.target)
  }

  #leaveFor(path: string, parent: string): number {
    let up = 0
    while (this.#folders.at(-1 - up) !== parent)
      if (++up === this.#folders.length)
        throw new TreeError('parent', 'its folder is not in the tree right before it', path)
    this.#folders.length -= up
    return up
  }

  #content(path: string, size: number, sha256: Uint8Array): void {
    if (!(Number.isSafeInteger(size) && size >= 0 && size < MAX_FILE_SIZE))
      throw new TreeError('size', 'the size is out of range', path)
    this.#number(size)
    if (size === 0) return
    if (sha256.length !== HASH_SIZE) throw new TreeError('hash', 'the SHA-256 is not 32 bytes long', path)
    this.#page.set(sha256, this.#used)
    this.#used += HASH_SIZE
    this.#totals.hashes++
  }

  #target(path: string, target: string): void {
    const bytes = Buffer.from(target)
    const fault = targetFault(target)
    if (fault !== null) throw new TreeError('target', `the link cannot have this target: ${fault}`, path)
    this.#string(bytes)
    this.#totals.targets += bytes.length
  }

  #number(value: number): void {
    this.#used = writeNumber(this.#page, this.#used, value)
  }

  #string(bytes: Buffer): void {
    this.#number(bytes.length)
    bytes.copy(this.#page, this.#used)
    this.#used += bytes.length
  }
}

/** The pages of the manifest of `entries`, and its totals as the generator's result. */
export function* encodeManifest(entries: Iterable<TreeEntry>): Generator<Buffer, TreeTotals> {
  const encoder = new ManifestEncoder()
  for (const entry of entries) {
    const page = encoder.add(entry)
    if (page !== null) yield page
  }
  const last = encoder.flush()
  if (last !== null) yield last
  return encoder.totals
}
