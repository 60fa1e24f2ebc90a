import { type FileHandle, rm } from 'node:fs/promises'
import { Bitmap } from '../../../protocol/bitmap.ts'
import { chunkCount, chunkLength, type Extent } from '../../../protocol/chunking.ts'
import { storageError } from '../../../protocol/errors.ts'
import { JOURNAL_SUFFIX, PART_SUFFIX } from '../../../protocol/names.ts'
import type { FileReader } from '../../serve/library.ts'
import { encodeHeader, type Journal, parseJournal } from './journal.ts'
import type { Replaceable } from './overwriting.ts'
import { createPlain, hasName, makeParent, openPlain, requireSpace } from './part-storage.ts'
import { RunJournal, takenOver } from './run-journal.ts'
import { FileStorage, type PartStorage, type Place } from './storage.ts'

/** The remains of an earlier run. The download checks them (recheck.ts). */
export interface Leftover {
  /** Chunks marked in the journal. */
  marked: Bitmap
  /** The run stopped cleanly and the part file is untouched since, so the marks are right. */
  sealed: boolean
  /** More of the part file is allocated than marked, so unmarked chunks may be there. */
  unmarkedData: boolean
  /** A sync failed. Right chunks may be in memory only, so they are written again before they are marked. */
  doubted: boolean
  /** It is a tree: chunks are read through its storage. */
  isTree?: boolean
}

/**
 * A download's file under its working name, and the journal of the chunks that are safely in it. The order of writes
 * is the promise: data → fdatasync → mark; when all is marked → fsync → rename → fsync of the folder. So a mark is
 * never ahead of its data, and the final name is absent or complete, whenever the process is killed.
 *
 * The first failure of a write, a sync or a journal append is final: every later call that relies on the file throws
 * that error, and nothing more is marked or published. The part file is kept without a seal, so the next run hashes
 * it. After a failed sync the journal also gets a DOUBT, because the system counts pages that it could not write as
 * clean, and they read as right until they are evicted. The next run then hashes everything, and writes the right
 * chunks again. If the DOUBT cannot be written, the journal is removed, and the next run starts over.
 */
export class PartFile {
  readonly path: string
  readonly finalPath: string
  readonly size: number
  readonly #storage: PartStorage
  readonly #journal: RunJournal
  readonly #marked: Bitmap
  /** The number of chunks that make it complete. */
  readonly #wanted: number
  /** Chunks written, but not yet synced and marked. */
  #unsynced: number[] = []
  #flushing: Promise<void> | null = null
  #failure: Error | null = null
  #doubting: Promise<void> | null = null
  /** Answers that are reading the file. */
  #readers = 0
  #isOver = false

  constructor(
    finalPath: string,
    size: number,
    storage: PartStorage,
    journal: RunJournal,
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
   * Opens or makes the part file of `finalPath` for this content, of which `chunks` of `bytes` in all are wanted.
   * Throws NO_SPACE before it writes anything.
   */
  static async open(
    finalPath: string,
    fileId: string,
    size: number,
    { bytes, chunks } = { bytes: size, chunks: chunkCount(size) },
  ): Promise<[PartFile, Leftover]> {
    const path = finalPath + PART_SUFFIX
    const journalPath = finalPath + JOURNAL_SUFFIX
    const opened: { close(): Promise<void> }[] = []
    await makeParent(path)
    try {
      const journal = parseJournal(await RunJournal.read(journalPath), fileId, size)
      const earlier = await openPlain(path)
      if (earlier) opened.push(earlier)
      const stat = await earlier?.stat({ bigint: true })
      await requireSpace(path, bytes - Number(stat?.blocks ?? 0) * 512)
      const leftover = describe(journal, size, journal && stat)
      const header = encodeHeader(fileId, size)
      const continues = { continues: journal !== null, doubted: leftover.doubted }
      // From here on an earlier run cannot publish, so the part file stays where it is.
      const marks = await RunJournal.begin(journalPath, header, continues)
      opened.push(marks)
      const file = await takePart(path, earlier, journal !== null)
      opened.push(file)
      await file.truncate(size)
      return [new PartFile(finalPath, size, new FileStorage(path, finalPath, file), marks, chunks), leftover]
    } catch (error) {
      await Promise.allSettled(opened.map((file) => file.close()))
      throw storageError(error, path)
    }
  }

  place(extent: Extent): Place {
    return this.#storage.place(extent)
  }

  /** Chunks that are verified, and safely on disk or about to be. */
  get marked(): Bitmap {
    return this.#marked
  }

  get failure(): Error | null {
    return this.#failure
  }

  /** Reports that the storage failed in another thread or process. */
  fail(at: 'write' | 'sync', error: unknown): void {
    this.#failure ??= storageError(error, this.path)
    if (at === 'sync') this.#doubting ??= this.#journal.doubt()
  }

  /** Reports that a verified chunk was written. The next flush marks it. */
  wrote(chunk: number): void {
    if (this.#marked.add(chunk)) this.#unsynced.push(chunk)
  }

  /** Syncs and marks the written chunks. One flush runs at a time. After a failure, all later ones fail too. */
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
      await this.#journal.requireNewest()
      this.#refuseFailed()
      await this.#journal.mark(chunks)
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

  /** Records the failure. Returns the first one. */
  async #failed(at: 'write' | 'sync', error: unknown): Promise<Error> {
    this.fail(at, error)
    await this.#doubting
    return this.#failure!
  }

  #refuseFailed(): void {
    if (this.#failure) throw this.#failure
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
   * Renames the complete file to its final name, and returns its state for the catalog. It can still be read until
   * `close`, because it is served until the finished file takes its place. Throws PATH_IN_THE_WAY if the name is taken
   * by something that is not `replaceable`, and the first failure of the storage at any time.
   */
  async publish(replaceable: Replaceable): Promise<{ mtimeNs: bigint; ino: bigint }> {
    return this.#complete(() => this.#storage.publish(replaceable, (how) => this.#sync(how)))
  }

  /** Completes a file that is only read: it keeps its working name. */
  async finish(): Promise<void> {
    await this.#complete(async () => {})
  }

  async #complete<T>(last: () => Promise<T>): Promise<T> {
    try {
      await this.#flushing
      await this.flush()
      this.#refuseFailed()
      if (this.#marked.count < this.#wanted) throw new Error(`${this.path} is not complete`)
      await this.#journal.requireNewest()
      const result = await last()
      // The file is safe: a leftover journal does no harm.
      await this.#journal.remove().catch(() => {})
      return result
    } catch (error) {
      throw storageError(error, this.finalPath)
    }
  }

  /** Stops cleanly, so that the next open trusts the marks. After a failure it only closes, and throws the failure. */
  async seal(): Promise<void> {
    try {
      await this.#flushing?.catch(() => {})
      await this.flush()
      const mtimeNs = await this.#storage.modified()
      if (mtimeNs !== null) await this.#journal.seal(mtimeNs)
    } catch (error) {
      throw await this.#failed('write', error)
    } finally {
      await this.close()
    }
  }

  /** Keeps the file readable, even after a rename, until the returned reader is closed. */
  openReader(): FileReader {
    this.#readers++
    return {
      read: (into, position) => this.read(into, position),
      close: async () => {
        if (--this.#readers === 0 && this.#isOver) await this.#storage.close()
      },
    }
  }

  /** Closes the file, once its readers are closed. */
  async close(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    await this.#doubting
    // Failures do not matter: synced chunks are safe, and others are not marked.
    await Promise.allSettled([this.#readers === 0 && this.#storage.close(), this.#journal.close()])
  }
}

/**
 * Returns the part file for this run: that of an earlier run of the same content, or a new file. Another content needs a
 * new file, because a run or worker that still has the old one open may write to it.
 */
async function takePart(path: string, earlier: FileHandle | null, continues: boolean): Promise<FileHandle> {
  if (earlier && continues) {
    if (await hasName(earlier, path)) return earlier
    throw takenOver(path)
  }
  await earlier?.close()
  await rm(path, { force: true })
  return createPlain(path, 0o666)
}

function describe(
  journal: Journal | null,
  size: number,
  stat: { mtimeNs: bigint; blocks: bigint; size: bigint } | null | undefined,
): Leftover {
  const marked = journal?.marked ?? new Bitmap(chunkCount(size))
  let bytes = 0
  for (let i = 0; i < marked.size; i++) if (marked.has(i)) bytes += chunkLength(size, i)
  return {
    marked,
    sealed: stat != null && journal?.sealedAt === stat.mtimeNs && stat.size === BigInt(size),
    doubted: journal?.doubted ?? false,
    unmarkedData: Number(stat?.blocks ?? 0) * 512 > bytes + 4096,
  }
}
