import { ThreadPool } from '../../packed/thread-pool.ts'
import type { FileHashes, FilePart, FileState, States } from './contents.ts'
import type { FileCopy, VerifiedCopy } from './copies.ts'
import type { FindRequest, FoundFiles } from './find-files.ts'
import type { Listing } from './list.ts'
import type { Placed, PlaceRequest } from './place.ts'
import type { Fingerprint, Scan, ScanRequest } from './scan.ts'
import type { TreeAnswer, TreeRequest } from './thread.ts'

/** Entries that one task places. */
const PLACED_A_TASK = 2000

/** Threads that read, hash and place the entries of folders, away from the event loop. */
export class TreePool {
  readonly #threads = new ThreadPool<TreeRequest, TreeAnswer>(new URL('./thread.ts', import.meta.url))

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

  read(root: string, parts: readonly FilePart[], signal: AbortSignal): Promise<Uint8Array> {
    return this.#run<Uint8Array>({ do: 'read', root, parts }, signal)
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

  close(): Promise<void> {
    return this.#threads.close()
  }

  async #run<T extends TreeAnswer>(request: TreeRequest, signal: AbortSignal): Promise<T> {
    return (await this.#threads.run(request, signal)) as T
  }
}
