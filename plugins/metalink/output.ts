import { constants, createWriteStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { giveName, openStream, type Replaceable, ShoalError, storageError, streamOutput } from '@shoal/plugin'

/** A comment, which readers of PEM skip: by it the command knows its own file from the user's certificates. */
export const CERTIFICATES_HEAD = '# Certificates of peers, written by shoal metalink\n'

export interface WriteOptions {
  /** How a file begins that an earlier run wrote, and that may be replaced. */
  head: string
  /** Replaces any file. */
  force: boolean
  signal: AbortSignal
}

/**
 * Writes a file that only its owner can read, because it contains grants; it appears whole or not at all. A FIFO or a
 * device gets the bytes in order. Throws PATH_IN_THE_WAY for a file that does not begin with `head`, unless `force`.
 */
export async function writePrivate(
  file: string,
  parts: Iterable<string>,
  options: WriteOptions,
): Promise<void> {
  const name = streamOutput(file)
  if (name !== null) return writeStream(name, parts, options.signal)
  const replaceable = options.force ? 'any file' : await ownFile(file, options.head)
  const draft = `${file}.${process.pid}`
  try {
    await pipeline(Readable.from(parts), createWriteStream(draft, { mode: 0o600, flags: 'wx' }))
    await giveName(draft, file, replaceable)
  } catch (error) {
    await rm(draft, { force: true })
    throw storageError(error, file)
  }
}

async function writeStream(name: string, parts: Iterable<string>, signal: AbortSignal): Promise<void> {
  const { stream, node } = await openStream(name, signal)
  await pipeline(Readable.from(parts), stream, { end: node !== null, signal }).catch((error: unknown) => {
    throw storageError(error, name)
  })
}

/** The state of the file that an earlier run wrote; null where there is none. */
async function ownFile(file: string, head: string): Promise<Replaceable> {
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(head.length), 0, head.length, 0)
      if (buffer.toString('latin1', 0, bytesRead) === head) return await handle.stat({ bigint: true })
    } finally {
      await handle.close()
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    if (code !== 'ELOOP') throw storageError(error, file)
  }
  throw new ShoalError('PATH_IN_THE_WAY', `${file} exists, and this command has not written it`, {
    hint: 'replace it with --force, or choose another file',
  })
}
