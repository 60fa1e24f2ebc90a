import { createHash, randomBytes } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { basename, isAbsolute, join } from 'node:path'
import { ShoalError, storageError } from '../protocol/errors.ts'
import { isPacked, packedBytes } from './files.ts'

/** Paths by URL. */
const paths = new Map<string, string>()

/**
 * The path of a program that the single binary carries, or null if it carries no such program. The first call
 * writes it to the cache folder. A file that is already there is used only if it is identical, byte for byte.
 * Throws a storage error if no folder may hold programs.
 */
export function unpacked(program: URL): string | null {
  if (!isPacked(program)) return null
  const known = paths.get(program.href)
  if (known) return known
  const path = unpack(basename(program.pathname), packedBytes(program), cacheFolders())
  paths.set(program.href, path)
  return path
}

/** Folders that may keep programs, best first: the XDG cache folder, then a temporary one. */
export function cacheFolders(env: NodeJS.ProcessEnv = process.env): string[] {
  const given = env.XDG_CACHE_HOME
  const cache = given && isAbsolute(given) ? given : join(homedir(), '.cache')
  return [join(cache, 'shoal'), join(tmpdir(), `shoal-${process.getuid?.() ?? 0}`)]
}

/**
 * Puts `program` as HASH/name into the first of `folders` from which only this user can run it, and returns
 * its path. If none will do, throws the storage error of the first folder.
 */
export function unpack(name: string, program: Uint8Array, folders: readonly string[]): string {
  const hash = createHash('sha256').update(program).digest('hex')
  let first: unknown = null
  for (const folder of folders) {
    const own = join(folder, hash.slice(0, 32))
    const path = join(own, name)
    try {
      for (const each of [folder, own]) makePrivate(each)
      if (!isThere(path, hash)) write(path, program)
      // Fails on file systems that forbid running programs (mounted noexec).
      accessSync(path, constants.X_OK)
      return path
    } catch (error) {
      first ??= error
    }
  }
  const why = storageError(first, join(folders[0] ?? '', name))
  throw new ShoalError(why instanceof ShoalError ? why.code : 'STORAGE_FAILED', why.message, {
    hint: HINT,
    cause: first,
  })
}

const HINT =
  'set XDG_CACHE_HOME to a folder of yours that may hold programs, or SHOAL_REDIS_BIN to a Redis server'

/**
 * Makes a folder that nobody else can enter, so nobody can change a program between its check and its run.
 */
function makePrivate(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = lstatSync(folder)
  if (!found.isDirectory() || found.uid !== process.getuid?.())
    throw Object.assign(new Error(`${folder} belongs to somebody else`), { code: 'EACCES' })
  chmodSync(folder, 0o700)
}

function isThere(path: string, hash: string): boolean {
  try {
    return lstatSync(path).isFile() && createHash('sha256').update(readFileSync(path)).digest('hex') === hash
  } catch {
    return false
  }
}

function write(path: string, program: Uint8Array): void {
  const partial = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(partial, program, { mode: 0o700, flag: 'wx' })
    renameSync(partial, path)
  } finally {
    rmSync(partial, { force: true })
  }
}
