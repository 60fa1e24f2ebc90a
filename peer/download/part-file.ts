import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Bitmap } from '../../protocol/bitmap.ts'
import { CHUNK_SIZE, chunkCount, chunkLength } from '../../protocol/chunking.ts'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { JOURNAL_SUFFIX, PART_SUFFIX } from '../../protocol/names.ts'
import type { FileReader } from '../serve/library.ts'
import { encodeHeader, encodeMarks, encodeSeal, type Journal, parseJournal } from './journal.ts'

/** What an earlier run left behind, for the download to check before it trusts it. */
export interface Leftover {
  /** Chunks whose mark is in the journal. */
  marked: Bitmap
  /** The run ended in good order and the part file was not touched since: the marks hold as they are. */
  sealed: boolean
  /** More of the part file is allocated than is marked: some unmarked chunks may be there. */
  unmarkedData: boolean
}

/**
 * A download's file under its working name, and the journal of which chunks are safely in it. The order of
 * writes is the promise: data → fdatasync → mark; when all is marked → fsync → rename → fsync of the folder.
 * Whatever is killed when, the final name is absent or whole, and a mark is never ahead of its data.
 */
export class PartFile {
  readonly path: string
  readonly finalPath: string
  readonly size: number
  readonly #file: FileHandle
  readonly #journal: FileHandle
  readonly #marked: Bitmap
  /** Written, not yet synced and marked. */
  #unsynced: number[] = []
  #flushing: Promise<void> | null = null
  /** Answers that read it now. */
  #readers = 0
  #isOver = false

  private constructor(finalPath: string, size: number, file: FileHandle, journal: FileHandle) {
    this.finalPath = finalPath
    this.path = finalPath + PART_SUFFIX
    this.size = size
    this.#file = file
    this.#journal = journal
    this.#marked = new Bitmap(chunkCount(size))
  }

  /** Opens or makes the part file of `finalPath` for this content. Throws NO_SPACE before anything is written. */
  static async open(finalPath: string, fileId: string, size: number): Promise<[PartFile, Leftover]> {
    const path = finalPath + PART_SUFFIX
    const handles: FileHandle[] = []
    try {
      const file = await openPlain(path, 0o666, handles)
      const marks = await openPlain(finalPath + JOURNAL_SUFFIX, 0o600, handles)
      const journal = parseJournal(await marks.readFile(), fileId, size)
      if (journal === null) await file.truncate(0)
      const stat = await file.stat({ bigint: true })
      await requireSpace(path, size - Number(stat.blocks) * 512)
      const leftover = describe(journal, size, stat)
      await file.truncate(size)
      await beginJournal(marks, journal !== null, encodeHeader(fileId, size))
      return [new PartFile(finalPath, size, file, marks), leftover]
    } catch (error) {
      for (const handle of handles) await handle.close()
      throw storageError(error, path)
    }
  }

  get fd(): number {
    return this.#file.fd
  }

  /** Chunks that are verified, and safely on disk or about to be. */
  get marked(): Bitmap {
    return this.#marked
  }

  /** A verified chunk was written; its mark follows with the next flush. */
  wrote(chunk: number): void {
    if (this.#marked.add(chunk)) this.#unsynced.push(chunk)
  }

  /** Syncs what was written and marks it. One flush runs at a time; an fsync error is fatal for the download. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = null
    })
    return this.#flushing
  }

  async #flush(): Promise<void> {
    const chunks = this.#unsynced
    if (chunks.length === 0) return
    this.#unsynced = []
    try {
      await this.#file.datasync()
      await this.#journal.appendFile(encodeMarks(chunks))
    } catch (error) {
      throw storageError(error, this.path)
    }
  }

  async read(into: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < into.length; ) {
      const { bytesRead } = await this.#file.read(into, done, into.length - done, position + done)
      if (bytesRead === 0) throw new ShoalError('FILE_CHANGED', `${this.path} became shorter`)
      done += bytesRead
    }
  }

  async write(data: Uint8Array, chunk: number): Promise<void> {
    try {
      for (let done = 0; done < data.length; ) {
        const at = chunk * CHUNK_SIZE + done
        done += (await this.#file.write(data, done, data.length - done, at)).bytesWritten
      }
    } catch (error) {
      throw storageError(error, this.path)
    }
  }

  /**
   * Gives the file its final name. Every chunk must be marked. Returns the state to remember it by. It can be
   * read until `close`: what takes its place in serving comes only after this.
   */
  async publish(): Promise<{ mtimeNs: bigint; ino: bigint }> {
    return this.#complete(async () => {
      await this.#file.sync()
      const { mtimeNs, ino } = await this.#file.stat({ bigint: true })
      await rename(this.path, this.finalPath)
      await syncFolder(dirname(this.finalPath))
      return { mtimeNs, ino }
    })
  }

  /** Ends a download whose file is only read: it is whole and keeps its working name. */
  async finish(): Promise<void> {
    await this.#complete(async () => {})
  }

  async #complete<T>(last: () => Promise<T>): Promise<T> {
    try {
      await this.#flushing
      await this.flush()
      if (!this.#marked.isFull) throw new Error(`${this.path} is not complete`)
      const result = await last()
      await rm(this.finalPath + JOURNAL_SUFFIX, { force: true })
      return result
    } catch (error) {
      throw storageError(error, this.finalPath)
    }
  }

  /** Stops for now, in good order: the next open may trust the marks. */
  async seal(): Promise<void> {
    try {
      await this.#flushing?.catch(() => {})
      await this.flush()
      const { mtimeNs } = await this.#file.stat({ bigint: true })
      await this.#journal.appendFile(encodeSeal(mtimeNs))
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
        if (--this.#readers === 0 && this.#isOver) await this.#file.close()
      },
    }
  }

  /** Lets go of the file, once the answers that read it are out. */
  async close(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#readers === 0) await this.#file.close()
    await this.#journal.close()
  }
}

/** Opens or makes a file of our own: never what a link leads to, nor a pipe or a device. */
async function openPlain(path: string, mode: number, opened: FileHandle[]): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants
  const append = path.endsWith(JOURNAL_SUFFIX) ? O_APPEND : 0
  const handle = await open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | append, mode)
  opened.push(handle)
  if ((await handle.stat()).isFile()) return handle
  throw new ShoalError('PATH_IN_THE_WAY', `${path} is not a regular file`, {
    hint: 'move what is there out of the way',
  })
}

/**
 * The journal starts anew at each open: what still holds is marked again after it was checked. A header that
 * is there already stays, since a crash without one would lose all that was downloaded.
 */
async function beginJournal(journal: FileHandle, hasHeader: boolean, header: Buffer): Promise<void> {
  await journal.truncate(hasHeader ? header.length : 0)
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
    unmarkedData: Number(stat.blocks) * 512 > bytes + 4096,
  }
}

/** Says "no space" before the first byte where it can be known; a disk that fills up meanwhile says it later. */
async function requireSpace(path: string, bytes: number): Promise<void> {
  if (bytes <= 0) return
  const { bavail, bsize } = await statfs(dirname(path))
  const free = bavail * bsize
  if (free >= bytes) return
  throw new ShoalError('NO_SPACE', `${path}: the file needs ${bytes} bytes more, the disk has ${free} free`, {
    hint: 'free some space, then run the same command again',
  })
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
