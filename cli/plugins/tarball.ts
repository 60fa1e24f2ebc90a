import { readFileSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { type ParsedTarEntryWithData, unpackTar } from 'modern-tar'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { formatBytes } from '../text/format.ts'
import { broken } from './check.ts'
import { messageOf } from './definition.ts'

/** The maximum unpacked size of a plugin, which must fit in memory. */
export const MAX_BYTES = 128 * 1024 * 1024

/**
 * Unpacks an npm tarball into `folder`, without its single top-level folder. Creates only files and folders. Throws
 * PLUGIN_BROKEN for anything else: not a tarball, links, or paths that lead outside. Throws TOO_LARGE beyond `maxBytes`.
 */
export async function unpackTarball(
  file: string,
  folder: string,
  maxBytes: number = MAX_BYTES,
): Promise<void> {
  for (const { header, data } of await entriesOf(file, maxBytes)) {
    const path = placeOf(header)
    if (path === null) continue
    const target = join(folder, ...path)
    try {
      await mkdir(header.type === 'directory' ? target : dirname(target), { recursive: true, mode: 0o700 })
      // "wx": a valid tarball never repeats a name, or uses it for a folder too.
      if (header.type !== 'directory')
        await writeFile(target, data ?? '', { flag: 'wx', mode: (header.mode ?? 0) & 0o100 ? 0o700 : 0o600 })
    } catch (error) {
      throw storageError(error, target)
    }
  }
}

async function entriesOf(file: string, maxBytes: number): Promise<ParsedTarEntryWithData[]> {
  let tar: Buffer
  try {
    if (statSync(file).size > maxBytes) throw tooLarge(file, maxBytes)
    tar = await promisify(gunzip)(readFileSync(file), { maxOutputLength: maxBytes })
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(file, maxBytes)
    throw code.startsWith('Z_')
      ? broken(`${file} is not an npm tarball (.tgz): ${messageOf(error)}`)
      : storageError(error, file)
  }
  try {
    return await unpackTar(new Uint8Array(tar), { strict: true })
  } catch (error) {
    throw broken(`${file} is not an npm tarball (.tgz): ${messageOf(error)}`)
  }
}

/** The parts of an entry's path below the top-level folder. Null for that folder and for pax headers. */
function placeOf({ name, type = 'file' }: ParsedTarEntryWithData['header']): string[] | null {
  if (type === 'pax-global-header' || type === 'pax-header') return null
  if (type !== 'file' && type !== 'directory')
    throw broken(
      `the tarball contains ${JSON.stringify(name)}, which is a ${type}: only files and folders are allowed`,
    )
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (name.startsWith('/') || parts.some((part) => part === '..' || /[\\\0:]/.test(part)))
    throw broken(`the tarball contains ${JSON.stringify(name)}, which leads out of its folder`)
  return parts.length > 1 ? parts.slice(1) : null
}

function tooLarge(file: string, maxBytes: number): ShoalError {
  return new ShoalError('TOO_LARGE', `${file} is larger than ${formatBytes(maxBytes)} when unpacked`, {
    hint: 'leave out files that the plugin does not need',
  })
}
