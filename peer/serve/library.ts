import type { Bitmap } from '../../protocol/bitmap.ts'
import type { Extent } from '../../protocol/chunking.ts'

/** One file that this peer can serve, whole or in part. */
export interface ServedFile {
  readonly fileId: string
  readonly size: number
  /** Groups in which it is shared: a grant must be for one of them. */
  readonly groups: ReadonlySet<string>
  /** Chunks that may be served. */
  readonly have: Bitmap
  /** Packed chunk hashes. */
  hashes(): Uint8Array
  /**
   * Opens it for one request. Throws FILE_CHANGED when the file is no longer the one that was hashed; the
   * reader's `close` checks again and says whether all that was read in between was still the same file.
   */
  open(): Promise<FileReader>
  /** Calls back with have-records (protocol/peer-wire.ts) of what becomes available or is being fetched. */
  watch?(listener: (records: Uint8Array) => void): () => void
  /** Somebody asks for the extent: a complete file tells it to those who follow it. */
  asked?(extent: Extent): void
}

export interface FileReader {
  /** Fills `into` from `position` on. */
  read(into: Uint8Array, position: number): Promise<void>
  close(): Promise<void>
}

/** A peer that asked us for a file, and so is in its swarm. */
export interface SeenPeer {
  fileId: string
  peer: string
  host: string
  port: number
}

/** What this peer serves right now: complete files of the catalog and downloads under way, by file id. */
export class Library {
  readonly #files = new Map<string, ServedFile>()
  readonly #listeners = new Set<() => void>()
  #telling = false

  get(fileId: string): ServedFile | undefined {
    return this.#files.get(fileId)
  }

  values(): Iterable<ServedFile> {
    return this.#files.values()
  }

  /** Adds or replaces a file; the announcer learns of it. */
  set(file: ServedFile): void {
    this.#files.set(file.fileId, file)
    this.changed()
  }

  /** Removes the file if it is still this one (a download replaces itself by the finished file). */
  delete(file: ServedFile): void {
    if (this.#files.get(file.fileId) !== file) return
    this.#files.delete(file.fileId)
    this.changed()
  }

  /** Tells the listeners, once for all changes of one turn of the event loop. */
  changed(): void {
    if (this.#telling) return
    this.#telling = true
    setImmediate(() => {
      this.#telling = false
      for (const listener of this.#listeners) listener()
    })
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }
}
