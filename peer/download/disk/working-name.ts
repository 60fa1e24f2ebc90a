import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, open, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PART_SUFFIX } from '../../../protocol/names.ts'
import type { TreeTarget } from './tree-target.ts'

/**
 * The working name of a tree: hidden, and short even if the target's name is long. The working folder and its journal
 * add suffixes. It is beside the target, or in it, where the files could not be renamed from beside it: the target is a
 * mount point, or the folder above it is not writable. That of a single file is beside the file.
 */
export async function workingName(
  { path, kind, final, isSingle }: Pick<TreeTarget, 'path' | 'kind' | 'final' | 'isSingle'>,
  fileId: string,
): Promise<string> {
  const id = createHash('sha256').update(`${fileId}\0${final}`).digest('hex').slice(0, 16)
  const beside = dirname(path)
  const isInside = isSingle || (kind === 'merge' && !(await canRenameFrom(beside, path)))
  return join(isInside ? path : beside, `.${id}`)
}

export const workingFolder = (name: string): string => name + PART_SUFFIX

async function canRenameFrom(folder: string, to: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK | constants.X_OK)
    return (await mountOf(folder)) === (await mountOf(to))
  } catch {
    return false
  }
}

/** rename(2) does not cross mounts, even of one file system; only Linux tells them apart. */
async function mountOf(folder: string): Promise<string> {
  const handle = await open(folder, 'r')
  try {
    const info = await readFile(`/proc/self/fdinfo/${handle.fd}`, 'utf8').catch(() => '')
    return `${(await handle.stat()).dev} ${/^mnt_id:\s*(\d+)/m.exec(info)?.[1]}`
  } finally {
    await handle.close()
  }
}
