import { ThreadPool } from '../../packed/thread-pool.ts'
import type { FileHashes, FilePart, FileState, States } from './contents.ts'
import type { FileCopy, VerifiedCopy } from './copies.ts'
import type { FindRequest, FoundFiles } from './find-files.ts'
import type { Listing } from './list.ts'
import type { Placed, PlaceRequest } from './place.ts'
import type { Fingerprint, Scan, ScanRequest } from './scan.ts'
import { syncFileSystem } from './sync-file-system.ts'
import type { TreeAnswer, TreeRequest } from './thread.ts'

/** Buffers that travel to threads and back. New ones for each read would be garbage that V8 is slow to collect. */
const SPARES = 4
/** Entries that one task places. */
const PLACED_A_TASK = 2000

/** Threads that read, hash and place the entries of folders, away from the event loop. */
export class TreePool {
  readonly #threads = new ThreadPool<TreeRequest, TreeAnswer>(new URL('./thread.ts', import.meta.url))
  readonly #spares: ArrayBuffer[] = []

  scan(request: ScanRequest, signal: AbortSignal): Promise<Scan> {
    return this.#run<Scan>({ do: 'scan', ...request }, signal)
  }

  fingerprint(request: ScanRequest, signal: AbortSignal): Promise<Fingerprint> {
    return this.#run<Fingerprint>({ do: 'fingerprint', ...request }, signal)
  }

  /** Rejects with FILE_CHANGED if a file is not in its state. */
  hashFiles(root: string, files: readonly FileState[], signal: AbortSignal): Promise<FileHashes> {
    return this.#run<FileHashes>({ do: 'hash files', root, files }, signal)
  }

  hashChunks(
    root: string,
    chunks: readonly (readonly FilePart[])[],
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    return this.#run<Uint8Array>({ do: 'hash chunks', root, chunks }, signal)
  }

  /** Fills `into` with the bytes of the parts, one behind the other. Rejects as `hashFiles`. */
  async read(root: string, parts: readonly FilePart[], into: Uint8Array, signal: AbortSignal): Promise<void> {
    const last = this.#spares.pop()
    const buffer = last && last.byteLength >= into.length ? last : new ArrayBuffer(into.length)
    const request: TreeRequest = { do: 'read', root, parts, buffer }
    const filled = (await this.#threads.run(request, signal, [buffer])) as Uint8Array<ArrayBuffer>
    into.set(filled)
    if (this.#spares.length < SPARES) this.#spares.push(filled.buffer)
  }

  /**
   * Syncs the file system of a folder: one syncfs(2) instead of an fsync for each of thousands of files. A thread calls it,
   * since starting a program several times a second costs a twentieth of a transfer. Rejects with EIO.
   */
  async sync(folder: string): Promise<void> {
    const isDone = await this.#run<boolean>({ do: 'sync', folder }, new AbortController().signal)
    if (!isDone) await syncFileSystem(folder)
  }

  /** The present state of these paths. */
  states(root: string, paths: readonly string[], signal: AbortSignal): Promise<States> {
    return this.#run<States>({ do: 'states', root, paths }, signal)
  }

  /** Rejects with the system's error for a folder that cannot be read. */
  list(root: string, signal: AbortSignal): Promise<Listing> {
    return this.#run<Listing>({ do: 'list', root }, signal)
  }

  async copy(root: string, copies: readonly FileCopy[], signal: AbortSignal): Promise<void> {
    const umask = process.umask()
    if (copies.length > 0) await this.#run<null>({ do: 'copy', root, copies, umask }, signal)
  }

  /** Files of wanted contents in a snapshot of this home. */
  findFiles(request: FindRequest, signal: AbortSignal): Promise<FoundFiles> {
    return this.#run<FoundFiles>({ do: 'find files', ...request }, signal)
  }

  /** Copies files of known contents into the folder `root`. Resolves with a 1 for each one that is there now. */
  copyVerified(root: string, copies: readonly VerifiedCopy[], signal: AbortSignal): Promise<Uint8Array> {
    return this.#run<Uint8Array>({ do: 'copy verified', root, copies, umask: process.umask() }, signal)
  }

  /** Creates entries in order, or finishes them in reverse order. */
  async place(
    root: string,
    step: PlaceRequest['step'],
    entries: readonly Placed[],
    signal: AbortSignal,
  ): Promise<void> {
    const umask = process.umask()
    const slices: Placed[][] = []
    for (let at = 0; at < entries.length; at += PLACED_A_TASK)
      slices.push(entries.slice(at, at + PLACED_A_TASK))
    if (step !== 'make') slices.reverse()
    for (const slice of slices)
      await this.#run<null>({ do: 'place', root, step, entries: slice, umask }, signal)
  }

  /** Removes a folder and everything in it. Follows no link. */
  async remove(path: string, signal: AbortSignal): Promise<void> {
    await this.#run<null>({ do: 'remove', path }, signal)
  }

  /** Removes from a folder all but `entries`. */
  async sweep(
    root: string,
    entries: readonly Pick<Placed, 'path' | 'kind'>[],
    signal: AbortSignal,
  ): Promise<void> {
    await this.#run<null>({ do: 'sweep', root, entries }, signal)
  }

  close(): Promise<void> {
    return this.#threads.close()
  }

  async #run<T extends TreeAnswer>(request: TreeRequest, signal: AbortSignal): Promise<T> {
    return (await this.#threads.run(request, signal)) as T
  }
}
