import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { SCHEMA_VERSION } from '../schema.ts'
import {
  type BackupRecord,
  type Counts,
  FORMAT,
  FORMAT_VERSION,
  type Header,
  NOTHING,
  type Trailer,
  tally,
} from './format.ts'

type Line = Header | BackupRecord | Trailer
type Take = (record: BackupRecord) => Promise<void> | void

/** Longest line that is read; the longest that is written has 500 files with the longest names. */
const MAX_LINE = 16 * 2 ** 20

/**
 * Reads a backup to its end, giving each record to `take` as it comes: whether the file is whole is known
 * only when this resolves. Throws BACKUP_INVALID, and SCHEMA_TOO_NEW for one that a newer Shoal wrote.
 */
export async function readBackup(file: string, take: Take): Promise<{ header: Header; counts: Counts }> {
  const reading = new Reading(take)
  try {
    await pipeline(createReadStream(file), createGunzip(), async (chunks: AsyncIterable<Buffer>) => {
      for await (const line of splitLines(chunks)) await reading.line(line)
    })
    return reading.end()
  } catch (error) {
    throw readError(error, file)
  }
}

/** What is wrong with a file; readError makes the sentence of it. */
class Fault extends Error {}

/** One pass over the lines. */
class Reading {
  readonly #take: Take
  readonly #hash = createHash('sha256')
  #header: Header | null = null
  #trailer: Trailer | null = null
  #counts = NOTHING

  constructor(take: Take) {
    this.#take = take
  }

  async line(line: Buffer): Promise<void> {
    if (this.#trailer) throw new Fault('goes on after its end')
    const value = JSON.parse(line.toString()) as Line
    if (this.#header && isTrailer(value)) {
      this.#trailer = value
      return
    }
    this.#hash.update(line).update('\n')
    if (!this.#header) {
      this.#header = checkHeader(value)
      return
    }
    const record = value as BackupRecord
    this.#counts = tally(this.#counts, record)
    await this.#take(record)
  }

  end(): { header: Header; counts: Counts } {
    if (!this.#header || !this.#trailer) throw new Fault('is cut off')
    const { sha256, counts } = this.#trailer
    const isWhole =
      sha256 === this.#hash.digest('hex') && JSON.stringify(counts) === JSON.stringify(this.#counts)
    if (!isWhole) throw new Fault('is damaged: its checksum is not that of its content')
    return { header: this.#header, counts }
  }
}

const isTrailer = (value: Line): value is Trailer => 'type' in value && value.type === 'end'

function checkHeader(value: Line): Header {
  const header = value as Partial<Header> | null
  if (header?.format !== FORMAT) throw new Fault('is no backup of a tracker')
  const { version = 0, schema = 0 } = header
  if (version > FORMAT_VERSION || schema > SCHEMA_VERSION)
    throw new ShoalError(
      'SCHEMA_TOO_NEW',
      `the backup has format ${version} and schema ${schema}, this Shoal reads ${FORMAT_VERSION} and ${SCHEMA_VERSION}`,
      { hint: 'restore it with the Shoal version that wrote it, or a later one' },
    )
  return header as Header
}

async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      yield Buffer.concat([...rest, chunk.subarray(start, end)])
      rest = []
      length = 0
      start = end + 1
    }
    rest.push(chunk.subarray(start))
    length += chunk.length - start
    if (length > MAX_LINE) throw new Fault('is no backup of a tracker')
  }
  if (length > 0) throw new Fault('is cut off')
}

function readError(error: unknown, file: string): unknown {
  if (error instanceof Fault) return invalid(file, error.message)
  if (error instanceof SyntaxError) return invalid(file, 'is damaged: a line of it is not JSON')
  const { code } = error as NodeJS.ErrnoException
  if (code === 'Z_BUF_ERROR') return invalid(file, 'is cut off')
  if (code?.startsWith('Z_')) return invalid(file, 'is damaged, or no backup of a tracker')
  return storageError(error, file)
}

const invalid = (file: string, what: string): ShoalError =>
  new ShoalError('BACKUP_INVALID', `${file} ${what}`, { hint: 'use another backup' })
