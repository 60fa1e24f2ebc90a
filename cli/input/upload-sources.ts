import { createWriteStream, type Dirent } from 'node:fs'
import { access, constants, mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises'
import { basename, join, relative, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { checkFileName, isMirrorMarker, isWorkingName } from '../../protocol/names.ts'
import { collisionError, collisions } from '../../protocol/tree/collisions.ts'
import { makePrivateFolder } from '../home/home.ts'

/** A file to upload: its absolute path, and its name in the group. */
export interface Source {
  path: string
  name: string
}

export interface Sources {
  files: Source[]
  /** Folders to publish as snapshots. */
  folders: Source[]
  /** One sentence for each skipped file. */
  notices: string[]
  /** Removes temporary files of an upload that failed. */
  discard(): Promise<void>
}

/** Resolves the arguments of an upload: files and folders, or a single "-" for standard input. */
export async function openSources(
  paths: readonly string[],
  as: string | undefined,
  home: string,
  separate: boolean,
  signal: AbortSignal,
): Promise<Sources> {
  if (!paths.includes('-')) return collectSources(paths, as, separate)
  if (paths.length === 1) return keepStdin(home, as, signal)
  throw new ShoalError('USAGE', 'standard input cannot be mixed with files', {
    hint: 'upload it with a separate command: shoal peer upload - --as NAME; for a file called "-", write ./-',
  })
}

/**
 * Turns paths into files and names. A single file is named `as`, or keeps its name. A folder's files get the prefix `as`,
 * or the folder's name; unless the files are `separate`, the folder is published as one snapshot of that name. With several arguments, `as` is a folder above them all. Throws before anything is uploaded:
 * BAD_NAME, USAGE, or a storage error.
 */
export async function collectSources(
  paths: readonly string[],
  as: string | undefined,
  separate: boolean,
): Promise<Sources> {
  const sources: Sources = { files: [], folders: [], notices: [], discard: async () => {} }
  for (const path of paths) {
    const absolute = resolve(path)
    const own = basename(absolute)
    const name = as === undefined ? own : paths.length === 1 ? as : `${as.replace(/\/+$/, '')}/${own}`
    await collect(absolute, name, separate, sources).catch((error: unknown) => {
      throw storageError(error, path)
    })
  }
  if (sources.files.length + sources.folders.length === 0)
    throw new ShoalError('USAGE', `there are no files in ${paths.join(', ')}`, {
      hint: 'name a file to upload',
    })
  refuseDoubles([...sources.files, ...sources.folders])
  return sources
}

/** All files below a folder, named below `prefix` ('' for none), and one sentence for each skipped file. */
export async function filesBelow(
  folder: string,
  prefix: string,
): Promise<{ files: Source[]; notices: string[] }> {
  const sources: Sources = { files: [], folders: [], notices: [], discard: async () => {} }
  try {
    await collectFolder(folder, prefix.replace(/\/+$/, ''), await realpath(folder), sources)
  } catch (error) {
    throw storageError(error, folder)
  }
  return sources
}

async function collect(path: string, name: string, separate: boolean, sources: Sources): Promise<void> {
  const info = await stat(path)
  if (info.isDirectory()) {
    const folder = name.replace(/\/+$/, '')
    if (separate) await collectFolder(path, folder, await realpath(path), sources)
    else sources.folders.push({ path: await realpath(path), name: checkFileName(folder) })
    return
  }
  if (!info.isFile())
    throw new ShoalError('USAGE', `${path} is not a regular file`, {
      hint: 'to upload the output of a program, pipe it into: shoal peer upload - --as NAME',
    })
  await addFile(path, name, sources)
}

async function addFile(path: string, name: string, sources: Sources): Promise<void> {
  const checked = checkFileName(name)
  await access(path, constants.R_OK).catch((error: unknown) => {
    throw storageError(error, path)
  })
  sources.files.push({ path, name: checked })
}

async function collectFolder(folder: string, prefix: string, root: string, sources: Sources): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`
    if (entry.isDirectory()) await collectFolder(path, name, root, sources)
    else {
      const reason = await reasonToSkip(entry, path, root)
      if (reason === null) await addFile(path, name, sources)
      else sources.notices.push(`skipped ${path}: ${reason}`)
    }
  }
}

async function reasonToSkip(entry: Dirent, path: string, root: string): Promise<string | null> {
  if (isWorkingName(entry.name)) return 'the part file of a download'
  if (isMirrorMarker(entry.name)) return "a mirrored folder's marker"
  if (entry.isSymbolicLink())
    return (await leadsToFileBelow(path, root)) ? null : 'a link that leads out of the folder'
  return entry.isFile() ? null : 'not a regular file'
}

/** A link may point into the same folder. Following one that leads elsewhere would share files that nobody named. */
async function leadsToFileBelow(link: string, root: string): Promise<boolean> {
  try {
    const target = await realpath(link)
    return target.startsWith(root + sep) && (await stat(target)).isFile()
  } catch {
    return false
  }
}

/**
 * The files below `root` whose names no file system takes for those of others, and the error for the rest. Compares the
 * names on disk: in the group they are all in NFC.
 */
export function clearOfCollisions(
  files: readonly Source[],
  root: string,
): { clear: Source[]; error: ShoalError | null } {
  const onDisk = files.map(({ path }) => relative(root, path).split(sep).join('/'))
  const found = collisions(onDisk)
  if (found.length === 0) return { clear: [...files], error: null }
  const colliding = new Set(found.flatMap(({ first, second }) => [first, second]))
  const isClear = (name: string): boolean => {
    for (let end = name.indexOf('/'); end >= 0; end = name.indexOf('/', end + 1))
      if (colliding.has(name.slice(0, end))) return false
    return !colliding.has(name)
  }
  return { clear: files.filter((_, i) => isClear(onDisk[i]!)), error: collisionError(found) }
}

/** Two names that are one on some file systems would overwrite each other at a download. */
function refuseDoubles(sources: readonly Source[]): void {
  const names = sources.map(({ name }) => name)
  const double = names.find((name, i) => names.indexOf(name) !== i)
  if (double !== undefined)
    throw new ShoalError('USAGE', `two of the files would be called ${JSON.stringify(double)}`, {
      hint: 'upload them with two commands, each with its own --as',
    })
  const found = collisions(names)
  if (found.length > 0) throw collisionError(found)
}

/**
 * Standard input as a source. It is copied into a file of the home and stays there, because the peer serves files in
 * place.
 */
async function keepStdin(home: string, as: string | undefined, signal: AbortSignal): Promise<Sources> {
  if (as === undefined)
    throw new ShoalError('USAGE', 'standard input has no name', { hint: 'name it with --as NAME' })
  const name = checkFileName(as)
  const uploads = join(home, 'uploads')
  makePrivateFolder(uploads)
  const folder = await mkdtemp(join(uploads, 'stdin-'))
  const path = join(folder, basename(name))
  const discard = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    await pipeline(process.stdin, createWriteStream(path, { mode: 0o600 }), { signal })
  } catch (error) {
    await discard()
    signal.throwIfAborted()
    throw storageError(error, path)
  }
  return { files: [{ path, name }], folders: [], notices: [], discard }
}
