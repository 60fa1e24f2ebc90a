import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { storageError } from '@shoal/plugin'

/** Writes a file that its owner alone may read, since it holds grants; under its name it is whole or not there. */
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
