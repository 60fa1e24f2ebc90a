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

/** The longest line accepted. The longest that is written holds 500 files with names of maximal length. */
const MAX_LINE = 16 * 2 ** 20

/**
 * Reads a backup and passes each record to `take` as it is read; only when this resolves is the file known to be
 * complete. Throws BACKUP_INVALID, or SCHEMA_TOO_NEW if a newer Shoal wrote it.
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

/** The predicate of an error sentence about the file; readError adds the file's name. */
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
    if (this.#trailer) throw new Fault('continues after its end')
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
    if (!this.#header || !this.#trailer) throw new Fault('is truncated')
    const { sha256, counts } = this.#trailer
    const isWhole =
      sha256 === this.#hash.digest('hex') && JSON.stringify(counts) === JSON.stringify(this.#counts)
    if (!isWhole) throw new Fault('is damaged: its checksum does not match its content')
    return { header: this.#header, counts }
  }
}

const isTrailer = (value: Line): value is Trailer => 'type' in value && value.type === 'end'

function checkHeader(value: Line): Header {
  const header = value as Partial<Header> | null
  if (header?.format !== FORMAT) throw new Fault('is not a tracker backup')
  const { version = 0, schema = 0 } = header
  if (version > FORMAT_VERSION || schema > SCHEMA_VERSION)
    throw new ShoalError(
      'SCHEMA_TOO_NEW',
      `the backup has format ${version} and schema ${schema}, but this Shoal reads up to ${FORMAT_VERSION} and ${SCHEMA_VERSION}`,
      { hint: 'restore it with the Shoal version that wrote it, or a newer one' },
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
    if (length > MAX_LINE) throw new Fault('is not a tracker backup')
  }
  if (length > 0) throw new Fault('is truncated')
}

function readError(error: unknown, file: string): unknown {
  if (error instanceof Fault) return invalid(file, error.message)
  if (error instanceof SyntaxError) return invalid(file, 'is damaged: one of its lines is not JSON')
  const { code } = error as NodeJS.ErrnoException
  if (code === 'Z_BUF_ERROR') return invalid(file, 'is truncated')
  if (code?.startsWith('Z_')) return invalid(file, 'is damaged, or is not a tracker backup')
  return storageError(error, file)
}

const invalid = (file: string, what: string): ShoalError =>
  new ShoalError('BACKUP_INVALID', `${file} ${what}`, { hint: 'use another backup' })
