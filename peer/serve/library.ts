import type { Bitmap } from '../../protocol/bitmap.ts'
import type { Extent } from '../../protocol/chunking.ts'

/** A file that this peer can serve, whole or in part. */
export interface ServedFile {
  readonly fileId: string
  readonly size: number
  /** Groups that share it: a grant must be for one of them. */
  readonly groups: ReadonlySet<string>
  /** Chunks that can be served. */
  readonly have: Bitmap
  /** Packed chunk hashes. */
  hashes(): Uint8Array
  /**
   * Opens the file for one request. Throws FILE_CHANGED if it is no longer the one that was hashed; the reader's
   * `close` checks that again, for everything that was read in between.
   */
  open(): Promise<FileReader>
  /** Calls back with have-records (protocol/peer-wire.ts) of new and pending chunks, until the result is called. */
  watch?(listener: (records: Uint8Array) => void): () => void
  /** A peer requested the extent: a complete file tells its followers. */
  asked?(extent: Extent): void
}

export interface FileReader {
  /** Fills `into` from `position` on. */
  read(into: Uint8Array, position: number): Promise<void>
  close(): Promise<void>
}

/** A peer that requested a file from this one, and so is in its swarm. */
export interface SeenPeer {
  fileId: string
  peer: string
  host: string
  port: number
}

/** Everything that this peer serves now, by file id: complete files of the catalog and downloads under way. */
export class Library {
  readonly #files = new Map<string, ServedFile>()
  readonly #listeners = new Set<() => void>()
  #notifying = false

  get(fileId: string): ServedFile | undefined {
    return this.#files.get(fileId)
  }

  values(): Iterable<ServedFile> {
    return this.#files.values()
  }

  /** Adds or replaces a file, and notifies the listeners. */
  set(file: ServedFile): void {
    this.#files.set(file.fileId, file)
    this.changed()
  }

  /** Removes the file, unless another has its place (a finished file replaces its download). */
  delete(file: ServedFile): void {
    if (this.#files.get(file.fileId) !== file) return
    this.#files.delete(file.fileId)
    this.changed()
  }

  /** Notifies the listeners, once for all changes in one turn of the event loop. */
  changed(): void {
    if (this.#notifying) return
    this.#notifying = true
    setImmediate(() => {
      this.#notifying = false
      for (const listener of this.#listeners) listener()
    })
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }
}
