import { HASH_SIZE } from '../chunking.ts'
import { FILE, FOLDER, LINK, type TreeEntry } from './entry.ts'
import { TreeError } from './errors.ts'
import { decodeFooter, encodeFooter, FOOTER_SIZE, type Footer, type TreeTotals } from './footer.ts'
import { ManifestDecoder, type ManifestRecord } from './manifest-decoder.ts'
import { ManifestEncoder } from './manifest-encoder.ts'
import { type Columns, TreeIndex } from './tree-index.ts'

/**
 * Fills the columns of an index from a manifest. The totals decide what is allocated, once, at the start.
 */
export class TreeReader {
  readonly #totals: TreeTotals
  readonly #contents: number | undefined
  readonly #decoder: ManifestDecoder
  readonly #columns: Columns
  /** The folders that are open. */
  readonly #open: number[] = []
  #count = 0
  #names = 0
  #hashes = 0
  #targets = 0

  /** With `contents`, as in a footer, the sum of the contents must be that too. */
  constructor(totals: TreeTotals & { contents?: number }) {
    const { contents, ...rest } = totals
    this.#contents = contents
    this.#totals = rest
    this.#decoder = new ManifestDecoder(rest)
    const { entries, names, hashes, targets } = rest
    this.#columns = {
      heads: new Uint16Array(entries),
      parents: new Int32Array(entries),
      ends: new Uint32Array(entries),
      times: new BigInt64Array(entries),
      sizes: new Float64Array(entries),
      payloads: new Uint32Array(entries),
      nameEnds: new Uint32Array(entries),
      names: Buffer.alloc(names),
      hashes: Buffer.alloc(hashes * HASH_SIZE),
      targets: Buffer.alloc(targets + 2 * Math.min(entries, targets)),
    }
  }

  /** Takes the next page of the manifest. */
  push(page: Uint8Array): void {
    for (const record of this.#decoder.push(page)) this.#add(record)
  }

  /** The index, once all pages were pushed. */
  end(): TreeIndex {
    for (const record of this.#decoder.end()) this.#add(record)
    this.#closeTo(0, this.#count)
    const index = new TreeIndex(this.#columns, this.#totals)
    if (this.#contents !== undefined && index.footer.contents !== this.#contents)
      throw new TreeError('totals', 'the files of the snapshot are not as long as its footer says')
    return index
  }

  #add(record: ManifestRecord): void {
    const i = this.#count++
    const columns = this.#columns
    this.#closeTo(record.depth, i)
    columns.heads[i] = record.mode * 4 + record.kind
    columns.parents[i] = this.#open.at(-1) ?? -1
    columns.ends[i] = i + 1
    columns.times[i] = record.mtimeNs
    columns.sizes[i] = record.size
    this.#names += record.name.copy(columns.names, this.#names)
    columns.nameEnds[i] = this.#names
    if (record.kind === FOLDER) this.#open.push(i)
    if (record.payload !== null) this.#keepPayload(i, record.kind, record.payload)
  }

  #keepPayload(i: number, kind: number, payload: Buffer): void {
    const columns = this.#columns
    if (kind === FILE) {
      columns.payloads[i] = this.#hashes
      payload.copy(columns.hashes, this.#hashes++ * HASH_SIZE)
    } else if (kind === LINK) {
      columns.payloads[i] = this.#targets
      this.#targets = columns.targets.writeUInt16LE(payload.length, this.#targets)
      this.#targets += payload.copy(columns.targets, this.#targets)
    }
  }

  /** Closes the folders deeper than `depth`; `next` is the entry behind them. */
  #closeTo(depth: number, next: number): void {
    while (this.#open.length > depth) this.#columns.ends[this.#open.pop()!] = next
  }
}

/** The index of a manifest whose pages are at hand, checked against the footer of its stream. */
export function readTree(pages: Iterable<Uint8Array>, footer: Footer): TreeIndex {
  const reader = new TreeReader(footer)
  for (const page of pages) reader.push(page)
  return reader.end()
}

/** The index of the end of a stream of `size` bytes: manifest and footer, or more. Throws TreeError. */
export function readTrailer(end: Uint8Array, size: number): TreeIndex {
  const footer = decodeFooter(end.subarray(-FOOTER_SIZE), size)
  if (end.length < footer.manifest + FOOTER_SIZE)
    throw new TreeError('truncated', 'the manifest of the snapshot is longer than was stated')
  return readTree([end.subarray(end.length - footer.manifest - FOOTER_SIZE, -FOOTER_SIZE)], footer)
}

export interface BuiltTree {
  index: TreeIndex
  /** The manifest and, as the last page, the footer: what the stream ends in. */
  trailer: Buffer[]
}

/**
 * Makes the manifest, footer and index of a tree. Entries come in the order of `comparePaths`. What it returns
 * was decoded again, so it is what everybody else will read.
 */
export function buildTree(entries: Iterable<TreeEntry>): BuiltTree {
  const encoder = new ManifestEncoder()
  const trailer: Buffer[] = []
  const keep = (page: Buffer | null): void => {
    if (page !== null) trailer.push(page)
  }
  for (const entry of entries) keep(encoder.add(entry))
  keep(encoder.flush())
  const reader = new TreeReader(encoder.totals)
  for (const page of trailer) reader.push(page)
  const index = reader.end()
  trailer.push(encodeFooter(index.footer))
  return { index, trailer }
}
