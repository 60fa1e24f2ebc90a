import { constants, createWriteStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ShoalError, storageError } from '@shoal/plugin'

/** How a file of the kind begins that this command writes. */
export const METALINK_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<metalink'
export const CERTIFICATE_HEAD = '-----BEGIN CERTIFICATE-----'

/**
 * Writes a file that only its owner can read, because it contains grants. The file appears whole or not at
 * all. Throws PATH_IN_THE_WAY where a file is that does not begin with `head`, unless `force`.
 */
export async function writePrivate(
  file: string,
  parts: Iterable<string>,
  { head, force }: { head: string; force: boolean },
): Promise<void> {
  if (!force && !(await isAbsentOrBegins(file, head)))
    throw new ShoalError('PATH_IN_THE_WAY', `${file} exists, and is nothing that this command wrote`, {
      hint: 'replace it with --force, or choose another place with -o',
    })
  const draft = `${file}.${process.pid}`
  try {
    await pipeline(Readable.from(parts), createWriteStream(draft, { mode: 0o600, flags: 'wx' }))
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    throw storageError(error, file)
  }
}

async function isAbsentOrBegins(file: string, head: string): Promise<boolean> {
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(head.length), 0, head.length, 0)
      return bytesRead === head.length && buffer.toString('latin1') === head
    } finally {
      await handle.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw storageError(error, file)
  }
}
