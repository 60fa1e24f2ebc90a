import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { lstat, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { type BackupRecord, type Counts, type Header, NOTHING, type Trailer, tally } from './format.ts'

/**
 * Writes a backup that only its owner can read; `file` appears complete or not at all. Throws PATH_IN_THE_WAY if it
 * exists, unless it is a file and `force` is given, and the reason of `signal`.
 */
export async function writeBackup(
  file: string,
  header: Header,
  records: AsyncIterable<BackupRecord>,
  { force, signal }: { force: boolean; signal: AbortSignal },
): Promise<Counts> {
  const taken = new ShoalError('PATH_IN_THE_WAY', `${file} already exists`, {
    hint: 'choose another name, or replace it with --force',
  })
  const stat = await lstat(file).catch(() => null)
  if (stat && !force) throw taken
  // A rename would replace a FIFO or a device too.
  if (stat && !stat.isFile() && !stat.isSymbolicLink())
    throw new ShoalError('PATH_IN_THE_WAY', `${file} is not a regular file`, { hint: 'choose another name' })
  const draft = `${file}.${process.pid}.part`
  let counts = NOTHING
  try {
    const lines = linesOf(header, records, (total) => {
      counts = total
    })
    const sink = createWriteStream(draft, { flags: 'wx', mode: 0o600, flush: true })
    await pipeline(Readable.from(lines), createGzip(), sink, { signal })
    if (!force) await claim(file, taken)
    await rename(draft, file).catch(async (error: unknown) => {
      // claim() left an empty file.
      if (!force) await rm(file, { force: true })
      throw error
    })
    await syncFolder(dirname(file))
    return counts
  } catch (error) {
    throw signal.aborted ? signal.reason : storageError(error, file)
  } finally {
    await rm(draft, { force: true })
  }
}

async function* linesOf(
  header: Header,
  records: AsyncIterable<BackupRecord>,
  onEnd: (counts: Counts) => void,
): AsyncGenerator<string> {
  const hash = createHash('sha256')
  const line = (value: object): string => {
    const text = `${JSON.stringify(value)}\n`
    hash.update(text)
    return text
  }
  let counts = NOTHING
  yield line(header)
  for await (const record of records) {
    counts = tally(counts, record)
    yield line(record)
  }
  const trailer: Trailer = { type: 'end', counts, sha256: hash.digest('hex') }
  yield `${JSON.stringify(trailer)}\n`
  onEnd(counts)
}

/** Reserves the name, so that the rename overwrites only our own file. (Not every file system has hard links.) */
async function claim(file: string, taken: ShoalError): Promise<void> {
  const handle = await open(file, 'wx').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST' ? taken : error
  })
  await handle.close()
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  await handle.sync().finally(() => handle.close())
}
