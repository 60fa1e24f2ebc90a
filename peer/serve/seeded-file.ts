import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { Bitmap } from '../../protocol/bitmap.ts'
import { chunkCount, type Extent } from '../../protocol/chunking.ts'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import type { TreeCopies } from '../tree/tree-copy.ts'
import type { CatalogEntry } from './catalog.ts'
import { HaveFeed } from './have-feed.ts'
import type { FileReader, ServedFile } from './library.ts'

/** A complete file, served from the user's path for as long as it is the file that was hashed. */
export class SeededFile implements ServedFile {
  readonly fileId: string
  readonly size: number
  readonly have: Bitmap
  readonly #loadHashes: () => Uint8Array
  readonly #trees: TreeCopies
  readonly #onFault: (entry: CatalogEntry) => void
  readonly #feed = new HaveFeed()
  /** The intact copies of this content, in any group and place. */
  #copies: CatalogEntry[] = []
  #groups: ReadonlySet<string> = new Set()

  /** Calls `onFault` for each copy that has changed and is no longer served. */
  constructor(
    entry: CatalogEntry,
    hashes: () => Uint8Array,
    trees: TreeCopies,
    onFault: (entry: CatalogEntry) => void,
  ) {
    this.fileId = entry.fileId
    this.size = entry.size
    this.have = Bitmap.full(chunkCount(entry.size))
    this.#loadHashes = hashes
    this.#trees = trees
    this.#onFault = onFault
    this.addCopy(entry)
  }

  get groups(): ReadonlySet<string> {
    return this.#groups
  }

  /** Adds a copy, or replaces the one of the same name and place. */
  addCopy(entry: CatalogEntry): void {
    this.#setCopies([...this.#copies.filter((copy) => !isSamePlace(copy, entry)), entry])
  }

  removeCopy(entry: CatalogEntry): void {
    this.#setCopies(this.#copies.filter((copy) => !isSamePlace(copy, entry)))
  }

  hashes(): Uint8Array {
    return this.#loadHashes()
  }

  watch(listener: (records: Uint8Array) => void): () => void {
    return this.#feed.watch(listener)
  }

  asked({ first, count }: Extent): void {
    if (!this.#feed.isFollowed) return
    for (let chunk = first; chunk < first + count; chunk++) this.#feed.tell(chunk, true)
  }

  async open(): Promise<FileReader> {
    for (const entry of this.#copies) {
      const reader = entry.isTree
        ? await this.#trees.open(entry, () => this.#onFault(entry))
        : await openUnchanged(entry)
      if (reader) return reader
      this.#onFault(entry)
    }
    throw new ShoalError('FILE_CHANGED', 'the file was changed or removed since it was shared', {
      hint: 'upload it again to share the new version',
    })
  }

  #setCopies(copies: CatalogEntry[]): void {
    this.#copies = copies
    this.#groups = new Set(copies.map(({ group }) => group))
  }
}

function isSamePlace(a: CatalogEntry, b: CatalogEntry): boolean {
  return a.group === b.group && a.name === b.name && a.path === b.path
}

/** Whether the file or folder at the entry's path is still the one that was hashed. */
export async function isUnchanged(entry: CatalogEntry, trees: TreeCopies): Promise<boolean> {
  if (entry.isTree) return trees.isThere(entry)
  try {
    return sameFile(entry, await stat(entry.path, { bigint: true }))
  } catch {
    return false
  }
}

function sameFile(entry: CatalogEntry, now: BigIntStats): boolean {
  return now.mtimeNs === entry.mtimeNs && now.size === BigInt(entry.size) && now.ino === entry.ino
}

async function openUnchanged(entry: CatalogEntry): Promise<FileReader | null> {
  let file: FileHandle
  try {
    // O_NONBLOCK: a pipe in the file's place must not block the peer.
    file = await open(entry.path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return null
  }
  if (!sameFile(entry, await file.stat({ bigint: true }))) {
    await file.close()
    return null
  }
  return {
    read: (into, position) => readFully(file, into, position, entry.path),
    close: async () => {
      const now = await file.stat({ bigint: true }).finally(() => file.close())
      if (!sameFile(entry, now))
        throw new ShoalError('FILE_CHANGED', `${entry.path} changed while it was served`)
    },
  }
}

/** Fills `into` from `position` on. Throws FILE_CHANGED if the file ends before. */
export async function readFully(
  file: FileHandle,
  into: Uint8Array,
  position: number,
  path: string,
): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await file
      .read(into, done, into.length - done, position + done)
      .catch((error: unknown) => {
        throw storageError(error, path)
      })
    if (bytesRead === 0) throw new ShoalError('FILE_CHANGED', `${path} became shorter while it was read`)
    done += bytesRead
  }
}
