import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { Bitmap } from '../../protocol/bitmap.ts'
import { chunkCount } from '../../protocol/chunking.ts'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import type { Catalog, CatalogEntry } from '../catalog.ts'
import type { FileReader, ServedFile } from './library.ts'

/** A complete file, served from where the user keeps it, for as long as it stays the file that was hashed. */
export class SeededFile implements ServedFile {
  readonly fileId: string
  readonly size: number
  readonly have: Bitmap
  readonly #catalog: Catalog
  readonly #onFault: (entry: CatalogEntry) => void

  /** `onFault` hears of each copy that is found changed, and so is served no longer. */
  constructor(catalog: Catalog, fileId: string, size: number, onFault: (entry: CatalogEntry) => void) {
    this.#catalog = catalog
    this.#onFault = onFault
    this.fileId = fileId
    this.size = size
    this.have = Bitmap.full(chunkCount(size))
  }

  get groups(): ReadonlySet<string> {
    return new Set(this.#intact().map((entry) => entry.group))
  }

  hashes(): Uint8Array {
    return this.#catalog.hashes(this.fileId) ?? new Uint8Array(0)
  }

  async open(): Promise<FileReader> {
    for (const entry of this.#intact()) {
      const reader = await openUnchanged(entry)
      if (reader) return reader
      this.#onFault(entry)
    }
    throw new ShoalError('FILE_CHANGED', 'the file was changed or removed since it was shared', {
      hint: 'upload it again to share the new version',
    })
  }

  /** Copies that are still what was hashed, as far as is known. */
  #intact(): CatalogEntry[] {
    return this.#catalog.byFileId(this.fileId).filter((entry) => entry.fault === null)
  }
}

/** Whether the file at the entry's path is still the one that was hashed. */
export async function isUnchanged(entry: CatalogEntry): Promise<boolean> {
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
    // A file replaced by a pipe must not block the peer for ever.
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

/** Fills `into`; a short file is a changed one. */
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
