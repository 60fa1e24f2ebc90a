import { type FileHandle, open, readFile, rename, rm, statfs, truncate } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Bitmap } from '../../protocol/bitmap.ts'
import { CHUNK_SIZE, chunkCount, chunkLength } from '../../protocol/chunking.ts'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { JOURNAL_SUFFIX, PART_SUFFIX } from '../../protocol/names.ts'
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
    try {
      const old = await readFile(finalPath + JOURNAL_SUFFIX).catch(() => null)
      const journal = old && parseJournal(old, fileId, size)
      const file = await open(path, journal ? 'r+' : 'w+').catch(() => open(path, 'w+'))
      const stat = await file.stat({ bigint: true })
      const leftover = describe(journal, size, stat)
      await requireSpace(path, size - Number(stat.blocks) * 512)
      await file.truncate(size)
      const part = new PartFile(finalPath, size, file, await open(finalPath + JOURNAL_SUFFIX, 'a', 0o600))
      await part.#beginJournal(fileId)
      return [part, leftover]
    } catch (error) {
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

  /** The journal starts anew at each open: what still holds is marked again after it was checked. */
  async #beginJournal(fileId: string): Promise<void> {
    await truncate(this.finalPath + JOURNAL_SUFFIX, 0)
    await this.#journal.appendFile(encodeHeader(fileId, this.size))
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

  /** Gives the file its final name. Every chunk must be marked. Returns the state to remember it by. */
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
    } finally {
      await this.#closeHandles()
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
      await this.#closeHandles()
    }
  }

  async #closeHandles(): Promise<void> {
    await this.#file.close()
    await this.#journal.close()
  }
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
