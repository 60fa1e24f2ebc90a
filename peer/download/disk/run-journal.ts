import { constants } from 'node:fs'
import { type FileHandle, rename, rm } from 'node:fs/promises'
import { ShoalError } from '../../../protocol/errors.ts'
import { JOURNAL_SUFFIX, PART_SUFFIX } from '../../../protocol/names.ts'
import { encodeDoubt, encodeHeader, encodeMarks, encodeSeal, HEADER_SIZE } from './journal.ts'
import { createPlain, hasName, openPlain } from './part-storage.ts'

/**
 * The journal of one run of a download. Each run replaces the journal's file, so the journal's name is a fencing token:
 * it names the file of the newest run. A run that slept checks it before it marks or publishes anything
 * (`requireNewest`). Its appends go to a file without a name.
 */
export class RunJournal {
  readonly #path: string
  readonly #file: FileHandle
  /** The last append of marks. */
  #marking: Promise<void> = Promise.resolve()

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  /** Returns the journal of the earlier run, or null if there is none. */
  static async read(path: string): Promise<Buffer | null> {
    const file = await openPlain(path)
    try {
      return (await file?.readFile()) ?? null
    } finally {
      await file?.close()
    }
  }

  /** Whether the journal binds the part file at `partPath` to this content. */
  static async isFor(partPath: string, fileId: string, size: number): Promise<boolean> {
    const file = await openPlain(partPath.slice(0, -PART_SUFFIX.length) + JOURNAL_SUFFIX)
    if (file === null) return false
    try {
      const { buffer } = await file.read(Buffer.alloc(HEADER_SIZE), 0, HEADER_SIZE, 0)
      return buffer.equals(encodeHeader(fileId, size))
    } finally {
      await file.close()
    }
  }

  /**
   * Takes over the download. The marks are cleared; chunks are marked again after they were checked. If the journal
   * `continues` an earlier one, its name always leads to a header: a crash without one would lose the whole download.
   */
  static async begin(
    path: string,
    header: Buffer,
    { continues, doubted }: { continues: boolean; doubted: boolean },
  ): Promise<RunJournal> {
    const next = continues ? path + JOURNAL_SUFFIX : path
    await rm(next, { force: true })
    const file = await createPlain(next, 0o600, constants.O_APPEND)
    try {
      await file.appendFile(doubted ? Buffer.concat([header, encodeDoubt()]) : header)
      if (continues) {
        await file.sync()
        await rename(next, path)
      }
      return new RunJournal(path, file)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Throws PATH_IN_THE_WAY if a later run took the download over. */
  async requireNewest(): Promise<void> {
    if (!(await hasName(this.#file, this.#path))) throw takenOver(this.#path.slice(0, -JOURNAL_SUFFIX.length))
  }

  async mark(chunks: readonly number[]): Promise<void> {
    this.#marking = this.#file.appendFile(encodeMarks(chunks))
    await this.#marking
  }

  async seal(mtimeNs: bigint): Promise<void> {
    await this.#file.appendFile(encodeSeal(mtimeNs))
  }

  /** Replaces the marks by a DOUBT. If that fails, removes the journal: it must not keep the marks. */
  async doubt(): Promise<void> {
    await this.#marking.catch(() => {})
    try {
      await this.#file.truncate(HEADER_SIZE)
      await this.#file.appendFile(encodeDoubt())
    } catch {
      const gone = this.#file.truncate(0).catch(() => this.remove())
      // If even this fails, the disk is read-only. It stays so until the lost pages have left memory.
      await gone.catch(() => {})
    }
  }

  /** Removes the journal, unless a later run took over. */
  async remove(): Promise<void> {
    if (await hasName(this.#file, this.#path)) await rm(this.#path, { force: true })
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

export function takenOver(path: string): ShoalError {
  return new ShoalError(
    'PATH_IN_THE_WAY',
    `another download took over ${path}, or its working files were removed`,
    { hint: 'wait until the other download has ended, or choose another place with -o' },
  )
}
