import { type FileHandle, rm } from 'node:fs/promises'
import { Bitmap } from '../../../protocol/bitmap.ts'
import { chunkCount, chunkLength, type Extent } from '../../../protocol/chunking.ts'
import { storageError } from '../../../protocol/errors.ts'
import { JOURNAL_SUFFIX, PART_SUFFIX } from '../../../protocol/names.ts'
import type { FileReader } from '../../serve/library.ts'
import {
  encodeDoubt,
  encodeHeader,
  encodeMarks,
  encodeSeal,
  HEADER_SIZE,
  type Journal,
  parseJournal,
} from './journal.ts'
import type { Replaceable } from './overwriting.ts'
import { makeParent, openPlain, requireSpace } from './part-storage.ts'
import { FileStorage, type PartStorage, type Place } from './storage.ts'

/** What an earlier run left behind, for the download to check before it trusts it. */
export interface Leftover {
  /** Chunks whose mark is in the journal. */
  marked: Bitmap
  /** The run ended in good order and the part file was not touched since: the marks hold as they are. */
  sealed: boolean
  /** More of the part file is allocated than is marked: some unmarked chunks may be there. */
  unmarkedData: boolean
  /** A sync failed: what reads right may be in memory only, so it is written once more before it is marked. */
  doubted: boolean
  /** It is a tree, whose chunks are read through its storage. */
  isTree?: boolean
}

/**
 * A download's file under its working name, and the journal of which chunks are safely in it. The order of
 * writes is the promise: data → fdatasync → mark; when all is marked → fsync → rename → fsync of the folder.
 * Whatever is killed when, the final name is absent or whole, and a mark is never ahead of its data.
 *
 * The first write, sync or append to the journal that fails ends it: every later call that would make something
 * of the file throws that same error, and nothing is marked or published any more. The part file is kept, but
 * not sealed, so the next run hashes it. After a failed sync the journal says so too (DOUBT): the system counts
 * pages that it could not write as clean, and they read as right until they are evicted. The next run therefore
 * hashes all of it and writes what is right again. Where not even that can be noted, the journal goes, and the
 * next run begins anew.
 */
export class PartFile {
  readonly path: string
  readonly finalPath: string
  readonly size: number
  readonly #storage: PartStorage
  readonly #journal: FileHandle
  readonly #marked: Bitmap
  /** Chunks that make it complete. */
  readonly #wanted: number
  /** Written, not yet synced and marked. */
  #unsynced: number[] = []
  #flushing: Promise<void> | null = null
  /** The last append of marks. */
  #marking: Promise<void> = Promise.resolve()
  #failure: Error | null = null
  #doubting: Promise<void> | null = null
  /** Answers that read it now. */
  #readers = 0
  #isOver = false

  constructor(
    finalPath: string,
    size: number,
    storage: PartStorage,
    journal: FileHandle,
    wanted = chunkCount(size),
  ) {
    this.finalPath = finalPath
    this.path = storage.path
    this.size = size
    this.#storage = storage
    this.#journal = journal
    this.#marked = new Bitmap(chunkCount(size))
    this.#wanted = wanted
  }

  /**
   * Opens or makes the part file of `finalPath` for this content. Throws NO_SPACE before anything is written: `bytes` in `chunks`
   * are wanted of it.
   */
  static async open(
    finalPath: string,
    fileId: string,
    size: number,
    { bytes, chunks } = { bytes: size, chunks: chunkCount(size) },
  ): Promise<[PartFile, Leftover]> {
    const path = finalPath + PART_SUFFIX
    const handles: FileHandle[] = []
    await makeParent(path)
    try {
      const file = await openPlain(path, 0o666, handles)
      const marks = await openPlain(finalPath + JOURNAL_SUFFIX, 0o600, handles)
      const journal = parseJournal(await marks.readFile(), fileId, size)
      if (journal === null) await file.truncate(0)
      const stat = await file.stat({ bigint: true })
      await requireSpace(path, bytes - Number(stat.blocks) * 512)
      const leftover = describe(journal, size, stat)
      await file.truncate(size)
      await beginJournal(marks, journal !== null, encodeHeader(fileId, size), leftover.doubted)
      return [new PartFile(finalPath, size, new FileStorage(path, finalPath, file), marks, chunks), leftover]
    } catch (error) {
      await Promise.allSettled(handles.map((handle) => handle.close()))
      throw storageError(error, path)
    }
  }

  /** Where the chunks of an extent are written. */
  place(extent: Extent): Place {
    return this.#storage.place(extent)
  }

  /** Chunks that are verified, and safely on disk or about to be. */
  get marked(): Bitmap {
    return this.#marked
  }

  /** The first failure of the storage; null while there is none. */
  get failure(): Error | null {
    return this.#failure
  }

  /** The storage failed in another thread or process: a 'write' did not reach the file, or a 'sync' the disk. */
  fail(at: 'write' | 'sync', error: unknown): void {
    this.#failure ??= storageError(error, this.path)
    if (at === 'sync') this.#doubting ??= this.#doubt()
  }

  /** A verified chunk was written; its mark follows with the next flush. */
  wrote(chunk: number): void {
    if (this.#marked.add(chunk)) this.#unsynced.push(chunk)
  }

  /** Syncs what was written and marks it. One flush runs at a time; its failure is that of all later ones. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = null
    })
    return this.#flushing
  }

  async #flush(): Promise<void> {
    this.#refuseFailed()
    const chunks = this.#unsynced
    if (chunks.length === 0) return
    this.#unsynced = []
    await this.#sync(() => this.#storage.sync())
    try {
      this.#refuseFailed()
      this.#marking = this.#journal.appendFile(encodeMarks(chunks))
      await this.#marking
    } catch (error) {
      throw await this.#failed('write', error)
    }
  }

  async #sync(how: () => Promise<void>): Promise<void> {
    try {
      await how()
    } catch (error) {
      throw await this.#failed('sync', error)
    }
  }

  /** Remembers the failure; returns the first one. */
  async #failed(at: 'write' | 'sync', error: unknown): Promise<Error> {
    this.fail(at, error)
    await this.#doubting
    return this.#failure!
  }

  #refuseFailed(): void {
    if (this.#failure) throw this.#failure
  }

  /** Notes that a sync failed, in the place of the marks. A journal that cannot hold that must not hold marks. */
  async #doubt(): Promise<void> {
    await this.#marking.catch(() => {})
    try {
      await this.#journal.truncate(HEADER_SIZE)
      await this.#journal.appendFile(encodeDoubt())
    } catch {
      const gone = this.#journal.truncate(0).catch(() => rm(this.finalPath + JOURNAL_SUFFIX, { force: true }))
      // A disk that takes nothing at all, not even this, is read-only until memory has forgotten what it lost.
      await gone.catch(() => {})
    }
  }

  read(into: Uint8Array, position: number): Promise<void> {
    return this.#storage.read(into, position)
  }

  async write(data: Uint8Array, chunk: number): Promise<void> {
    try {
      await this.#storage.write(data, chunk)
    } catch (error) {
      throw await this.#failed('write', error)
    }
  }

  /**
   * Gives the file its final name. Every chunk must be marked. Returns the state to remember it by. It can be
   * read until `close`: what takes its place in serving comes only after this. Throws PATH_IN_THE_WAY where the name is
   * taken by something that is not `replaceable`, and the first failure of the storage, whenever that was.
   */
  async publish(replaceable: Replaceable): Promise<{ mtimeNs: bigint; ino: bigint }> {
    return this.#complete(() => this.#storage.publish(replaceable, (how) => this.#sync(how)))
  }

  /** Ends a download whose file is only read: it is whole and keeps its working name. */
  async finish(): Promise<void> {
    await this.#complete(async () => {})
  }

  async #complete<T>(last: () => Promise<T>): Promise<T> {
    try {
      await this.#flushing
      await this.flush()
      this.#refuseFailed()
      if (this.#marked.count < this.#wanted) throw new Error(`${this.path} is not complete`)
      const result = await last()
      // The file is safe by now: a journal without one is only litter.
      await rm(this.finalPath + JOURNAL_SUFFIX, { force: true }).catch(() => {})
      return result
    } catch (error) {
      throw storageError(error, this.finalPath)
    }
  }

  /** Stops for now, in good order: the next open may trust the marks. After a failure it only closes, and throws that. */
  async seal(): Promise<void> {
    try {
      await this.#flushing?.catch(() => {})
      await this.flush()
      const mtimeNs = await this.#storage.modified()
      if (mtimeNs !== null) await this.#journal.appendFile(encodeSeal(mtimeNs))
    } catch (error) {
      throw await this.#failed('write', error)
    } finally {
      await this.close()
    }
  }

  /** Keeps the file readable, whatever becomes of its name, until the answer that reads it is out. */
  openReader(): FileReader {
    this.#readers++
    return {
      read: (into, position) => this.read(into, position),
      close: async () => {
        if (--this.#readers === 0 && this.#isOver) await this.#storage.close()
      },
    }
  }

  /** Lets go of the file, once the answers that read it are out. */
  async close(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    await this.#doubting
    // What a sync confirmed is safe whatever these say; what none confirmed is not marked.
    await Promise.allSettled([this.#readers === 0 && this.#storage.close(), this.#journal.close()])
  }
}

/**
 * The journal starts anew at each open: what still holds is marked again after it was checked. A header that
 * is there already stays, since a crash without one would lose all that was downloaded.
 */
export async function beginJournal(
  journal: FileHandle,
  hasHeader: boolean,
  header: Buffer,
  doubted: boolean,
): Promise<void> {
  await journal.truncate(hasHeader ? header.length + (doubted ? encodeDoubt().length : 0) : 0)
  if (!hasHeader) await journal.appendFile(header)
}

function describe(
  journal: Journal | null,
  size: number,
  stat: { mtimeNs: bigint; blocks: bigint; size: bigint },
): Leftover {
  const marked = journal?.marked ?? new Bitmap(chunkCount(size))
  let bytes = 0
  for (let i = 0; i < marked.size; i++) if (marked.has(i)) bytes += chunkLength(size, i)
  return {
    marked,
    sealed: journal?.sealedAt === stat.mtimeNs && stat.size === BigInt(size),
    doubted: journal?.doubted ?? false,
    unmarkedData: Number(stat.blocks) * 512 > bytes + 4096,
  }
}
