import { HASH_SIZE, MAX_FILE_SIZE } from '../chunking.ts'
import { MAX_PART_BYTES } from '../names.ts'
import { FILE, FOLDER, LINK, MAX_MODE, MAX_PATH_BYTES, MAX_TARGET_BYTES } from './entry.ts'
import { TreeError, type TreeFault } from './errors.ts'
import { checkTotals, type TreeTotals } from './footer.ts'
import { headOf, MAX_ENTRY_BYTES } from './manifest-encoder.ts'
import { TreeWalk, targetFault } from './paths.ts'
import { ByteReader } from './varint.ts'

/** An entry as a manifest has it. The buffers are parts of the page that it was read from. */
export interface ManifestRecord {
  /** Folders that it lies in. */
  depth: number
  /** FILE, FOLDER or LINK. */
  kind: number
  mode: number
  mtimeNs: bigint
  name: Buffer
  size: number
  /** Of a file with contents its SHA-256, of a link its target, else null. */
  payload: Buffer | null
}

const MAX_HEAD = headOf(MAX_PATH_BYTES / 2, MAX_MODE, LINK)
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Decodes a manifest from pages of any length, and accepts no manifest that the encoder would not write. Holds
 * one page and one entry at most. Throws TreeError at the first fault. A page must not change until the next
 * one is decoded and its records are dropped.
 */
export class ManifestDecoder {
  readonly #totals: TreeTotals
  readonly #seen: TreeTotals = { manifest: 0, entries: 0, hashes: 0, names: 0, targets: 0 }
  readonly #walk = new TreeWalk()
  #rest: Buffer = Buffer.alloc(0)
  #time = 0n

  /** `totals` are those of the footer: the manifest must hold exactly as much. */
  constructor(totals: TreeTotals) {
    checkTotals(totals)
    this.#totals = totals
  }

  /** Decodes the next page. An entry at its end that may be cut waits for the next page. */
  *push(page: Uint8Array): Generator<ManifestRecord> {
    this.#seen.manifest += page.length
    if (this.#seen.manifest > this.#totals.manifest) throw differs()
    const bytes = Buffer.concat([this.#rest, page])
    const reader = new ByteReader(bytes)
    while (bytes.length - reader.offset >= MAX_ENTRY_BYTES) yield this.#read(reader)
    this.#rest = bytes.subarray(reader.offset)
  }

  /** Decodes what is left after the last page, and compares the totals. */
  *end(): Generator<ManifestRecord> {
    const reader = new ByteReader(this.#rest)
    while (reader.offset < this.#rest.length) yield this.#read(reader)
    const keys = Object.keys(this.#seen) as (keyof TreeTotals)[]
    if (keys.some((key) => this.#seen[key] !== this.#totals[key])) throw differs()
  }

  #read(reader: ByteReader): ManifestRecord {
    if (++this.#seen.entries > this.#totals.entries) throw differs()
    const head = reader.number(MAX_HEAD)
    const up = head === null ? Infinity : Math.floor(head / 2048)
    if (head === null || up > this.#walk.open)
      throw new TreeError('parent', 'the manifest has an entry that leaves more folders than it lies in')
    const kind = head % 4
    const mode = Math.floor(head / 4) % 512
    const length = reader.number(MAX_PART_BYTES)
    if (length === null) throw new TreeError('name', 'the manifest has a name longer than 255 bytes')
    const name = reader.take(length)
    this.#walk.enter(up, name, kind === FOLDER)
    this.#seen.names += name.length
    if (this.#seen.names > this.#totals.names) throw differs()
    if (kind > LINK) this.#refuse('kind', 'it is neither a file, a folder nor a link')
    if (kind === LINK && mode !== 0) this.#refuse('mode', 'a link has no mode')
    const delta = reader.signed64() ?? this.#refuse('time', 'the modification time does not fit in 64 bits')
    this.#time = BigInt.asIntN(64, this.#time + delta)
    const record: ManifestRecord = {
      depth: this.#walk.depth,
      kind,
      mode,
      mtimeNs: this.#time,
      name,
      size: 0,
      payload: null,
    }
    if (kind === FILE) this.#readContent(reader, record)
    else if (kind === LINK) this.#readTarget(reader, record)
    return record
  }

  #readContent(reader: ByteReader, record: ManifestRecord): void {
    record.size = reader.number(MAX_FILE_SIZE - 1) ?? this.#refuse('size', 'the size is out of range')
    // Only one SHA-256 is right for an empty file, so it is not written.
    if (record.size === 0) return
    if (++this.#seen.hashes > this.#totals.hashes) throw differs()
    record.payload = reader.take(HASH_SIZE)
  }

  #readTarget(reader: ByteReader, record: ManifestRecord): void {
    const length =
      reader.number(MAX_TARGET_BYTES) ?? this.#refuse('target', 'the target of the link is too long')
    record.payload = reader.take(length)
    this.#seen.targets += length
    if (this.#seen.targets > this.#totals.targets) throw differs()
    let target = ''
    try {
      target = utf8.decode(record.payload)
    } catch {
      this.#refuse('target', 'the target of the link is not well-formed Unicode')
    }
    const fault = targetFault(target)
    if (fault !== null) this.#refuse('target', `the link cannot have this target: ${fault}`)
  }

  /** Refuses the latest entry. */
  #refuse(fault: TreeFault, message: string): never {
    throw new TreeError(fault, message, this.#walk.path)
  }
}

const differs = (): TreeError =>
  new TreeError('totals', 'the manifest of the snapshot holds something else than its footer says')

/** Decodes a whole manifest. */
export function* decodeManifest(pages: Iterable<Uint8Array>, totals: TreeTotals): Generator<ManifestRecord> {
  const decoder = new ManifestDecoder(totals)
  for (const page of pages) yield* decoder.push(page)
  yield* decoder.end()
}
