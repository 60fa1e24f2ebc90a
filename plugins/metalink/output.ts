import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { storageError } from '@shoal/plugin'

/**
 * Writes a file that only its owner can read, because it contains grants. The file appears whole or not at
 * all.
 */
export async function writePrivate(file: string, parts: Iterable<string>): Promise<void> {
  const draft = `${file}.${process.pid}`
  try {
    await pipeline(Readable.from(parts), createWriteStream(draft, { mode: 0o600, flags: 'wx' }))
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    throw storageError(error, file)
  }
}
