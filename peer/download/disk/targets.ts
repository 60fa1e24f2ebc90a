import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { ShoalError, storageError } from '../../../protocol/errors.ts'
import { checkFileName, isBelow } from '../../../protocol/names.ts'
import type { FileRecord } from '../../../protocol/records.ts'
import { parseSelectedName } from '../../../protocol/selector.ts'
import type { TrackerClient } from '../../../tracker-client/client.ts'

const PAGE = 1000

export interface PlacedFile {
  file: FileRecord
  /** Final path on this machine. */
  path: string
}

/**
 * The files that `name` stands for: the one of that name, else all below it, else the version that its selector means or
 * the snapshot in whose tree it is. Returns the name without its selector, too. Throws FILE_NOT_FOUND, VERSION_NOT_FOUND.
 */
export async function resolveFiles(
  client: TrackerClient,
  group: string,
  name: string,
): Promise<{ files: FileRecord[]; name: string }> {
  const files: FileRecord[] = []
  for (let after: string | null = ''; after !== null; ) {
    const page = await client.files(group, { prefix: name, after, limit: PAGE })
    const exact = page.files.find((file) => file.name === name)
    if (exact) return { files: [exact], name }
    files.push(...page.files.filter((file) => isBelow(file.name, name)))
    after = page.next
  }
  if (files.length > 0) return { files, name }
  if (!parseSelectedName(name) && !name.includes('/'))
    throw new ShoalError(
      'FILE_NOT_FOUND',
      name === '' ? `the group ${group} has no files` : `no file ${group}:${name}`,
      { hint: `see what there is: shoal group files ${group}` },
    )
  const { file, path } = await client.resolve(group, name)
  return { files: [file], name: path === '' ? file.name : `${file.name}/${path}` }
}

/**
 * Decides where each file goes: a single file to `output`, or into it if that is a folder; a snapshot or a part of one to
 * `output`, which it is merged into if that exists; a prefix's files and snapshots below `output`, with names relative to the
 * prefix. No symbolic link leads a file out of the folder.
 */
export async function placeFiles(
  files: readonly FileRecord[],
  name: string,
  output: string,
): Promise<PlacedFile[]> {
  const [only] = files
  if (only?.tree && only.name === name) return [{ file: only, path: resolve(output) }]
  // Only the manifest tells whether a part of a snapshot is a file.
  if (only?.tree && isBelow(name, only.name)) return [{ file: only, path: output }]
  if (only && only.name === name) {
    const path = isFolder(output) || output.endsWith(sep) ? join(output, basename(name)) : output
    refuseFolder(path)
    return [{ file: only, path }]
  }
  if (!isFolder(output))
    await mkdir(output, { recursive: true }).catch((error: unknown) =>
      Promise.reject(storageError(error, output)),
    )
  const root = realpathSync(output)
  const made = new Set<string>()
  return files.map((file) => {
    const relative = name === '' ? file.name : file.name.slice(name.length + 1)
    return { file, path: placeInside(root, relative, file.tree !== undefined, made) }
  })
}

/**
 * Makes the folders of the file or snapshot `name` below `root` (a real path), and returns its path. `made` caches the
 * folders. Throws PATH_IN_THE_WAY if a link leads out of `root`, or a folder has a file's name.
 */
export function placeInside(root: string, name: string, isTree = false, made = new Set<string>()): string {
  const path = join(root, ...checkFileName(name).split('/'))
  makeFolderInside(root, dirname(path), made)
  if (!isTree) refuseFolder(path)
  return path
}

/** The path by which two downloads to one place are known, whichever links lead to its folder. */
export function realPlace(path: string): string {
  try {
    return join(realpathSync.native(dirname(path)), basename(path))
  } catch {
    return path
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function refuseFolder(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new ShoalError('PATH_IN_THE_WAY', `${path} is a folder, so the file cannot have that name`, {
      hint: 'choose another place with -o',
    })
}

/** Makes `folder` below `root` level by level, to find a link that leads out before it makes anything behind it. */
function makeFolderInside(root: string, folder: string, made: Set<string>): void {
  if (folder === root || made.has(folder)) return
  makeFolderInside(root, dirname(folder), made)
  let real: string
  try {
    mkdirSync(folder, { recursive: true })
    real = realpathSync(folder)
  } catch (error) {
    throw storageError(error, folder)
  }
  if (!real.startsWith(root.endsWith(sep) ? root : root + sep) && real !== root)
    throw new ShoalError('PATH_IN_THE_WAY', `${folder} leads out of ${root} by a symbolic link`, {
      hint: 'remove the link, or choose another folder with -o',
    })
  made.add(folder)
}
