import { chunkCount, HASH_SIZE } from '../chunking.ts'
import { type Contents, layOut } from './contents.ts'
import { type EntryKind, FOLDER, KINDS, type TreeEntry } from './entry.ts'
import { TreeError } from './errors.ts'
import { FOOTER_SIZE, type Footer, limitFault, type TreeTotals } from './footer.ts'

const EMPTY_SHA256 = Buffer.from('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'hex')

/** The columns that a manifest fills; `layOut` adds those of the contents. */
export interface Columns {
  /** Mode · 4 + kind. */
  heads: Uint16Array
  parents: Int32Array
  ends: Uint32Array
  times: BigInt64Array
  sizes: Float64Array
  /** Of a file the number of its hash, of a link the place of its target. */
  payloads: Uint32Array
  nameEnds: Uint32Array
  names: Buffer
  hashes: Buffer
  /** Each with its length (u16) before it. */
  targets: Buffer
}

/**
 * A tree in memory: entries are numbered from 0 in the order of the manifest, and each property is a column of
 * a typed array: 58 bytes an entry, and with its name and hash about 100. Built by `readTree`, never changed.
 */
export class TreeIndex {
  readonly footer: Footer
  /** For layout.ts. */
  readonly contents: Contents
  readonly #columns: Columns

  constructor(columns: Columns, totals: TreeTotals) {
    this.#columns = columns
    this.contents = layOut(columns, (entry) => this.path(entry))
    this.footer = { ...totals, contents: this.contents.length }
    const limit = limitFault(this.footer)
    if (limit !== null) throw new TreeError('limit', limit)
  }

  get count(): number {
    return this.#columns.sizes.length
  }

  /** Bytes of the stream: contents, manifest and footer. */
  get streamSize(): number {
    return this.footer.contents + this.footer.manifest + FOOTER_SIZE
  }

  get chunkCount(): number {
    return chunkCount(this.streamSize)
  }

  /** Bytes of memory in the columns. */
  get byteLength(): number {
    const columns: ArrayBufferView[] = [this.#columns, this.contents].flatMap((each) =>
      Object.values(each).filter((value) => ArrayBuffer.isView(value)),
    )
    return columns.reduce((sum, column) => sum + column.byteLength, 0)
  }

  kind(entry: number): EntryKind {
    return KINDS[this.#columns.heads[entry]! & 3]!
  }

  isFolder(entry: number): boolean {
    return (this.#columns.heads[entry]! & 3) === FOLDER
  }

  /** The nine permission bits; 0 for a link. */
  mode(entry: number): number {
    return this.#columns.heads[entry]! >> 2
  }

  mtimeNs(entry: number): bigint {
    return this.#columns.times[entry]!
  }

  /** Bytes of a file; 0 for folders and links. */
  size(entry: number): number {
    return this.#columns.sizes[entry]!
  }

  /** SHA-256 of a file, without a copy. */
  sha256(entry: number): Buffer {
    if (this.size(entry) === 0) return EMPTY_SHA256
    const at = this.#columns.payloads[entry]! * HASH_SIZE
    return this.#columns.hashes.subarray(at, at + HASH_SIZE)
  }

  /** The target of a link. */
  target(entry: number): string {
    const { payloads, targets } = this.#columns
    const at = payloads[entry]!
    const length = targets.readUInt16LE(at)
    return targets.toString('utf8', at + 2, at + 2 + length)
  }

  /** The folder that an entry lies in; -1 at the top. */
  parent(entry: number): number {
    return this.#columns.parents[entry]!
  }

  /** The entry behind all that is in the folder `entry`; `entry` + 1 for a file or link. -1 is the root. */
  end(entry: number): number {
    return entry < 0 ? this.count : this.#columns.ends[entry]!
  }

  /** The first of the same content as the file `entry`: it owns the bytes in the stream. */
  owner(entry: number): number {
    return this.contents.owners[entry]!
  }

  name(entry: number): string {
    return this.nameBytes(entry).toString()
  }

  /** The name in UTF-8, without a copy. */
  nameBytes(entry: number): Buffer {
    const { nameEnds, names } = this.#columns
    return names.subarray(entry === 0 ? 0 : nameEnds[entry - 1]!, nameEnds[entry]!)
  }

  path(entry: number): string {
    let path = this.name(entry)
    for (let at = this.parent(entry); at >= 0; at = this.parent(at)) path = `${this.name(at)}/${path}`
    return path
  }

  entry(entry: number): TreeEntry {
    const common = { path: this.path(entry), mtimeNs: this.mtimeNs(entry) }
    const kind = this.kind(entry)
    if (kind === 'link') return { kind, ...common, target: this.target(entry) }
    if (kind === 'folder') return { kind, ...common, mode: this.mode(entry) }
    return { kind, ...common, mode: this.mode(entry), size: this.size(entry), sha256: this.sha256(entry) }
  }

  *entries(): Generator<TreeEntry> {
    for (let i = 0; i < this.count; i++) yield this.entry(i)
  }

  /** The children of a folder, in order; of the root with -1. */
  *children(folder: number): Generator<number> {
    const end = this.end(folder)
    for (let i = folder + 1; i < end; i = this.end(i)) yield i
  }
}
