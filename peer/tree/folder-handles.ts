import { closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'
import { storageError } from '../../protocol/errors.ts'

const CAN_OPEN_BY_HANDLE = process.platform === 'linux'
const HANDLES = '/proc/self/fd/'

/**
 * Resolves paths below a folder so that no symbolic link leads out of it, even if somebody swaps a folder for a link
 * meanwhile. It opens each folder without following links, through the handle of its parent (openat(2) by
 * /proc/self/fd). Systems other than Linux get plain paths.
 */
export class FolderHandles {
  readonly #root: string
  readonly #followsRoot: boolean
  /** Handles of the folder used last and of its parents. */
  #open: { name: string; fd: number }[] = []
  #rootFd: number | null = null
  /** The open folder, null for none; and what leads to its entries. */
  #folder: string | null = null
  #prefix = ''
  #latest = ''

  /** With `followsRoot`, the folder itself may be a link: that is the user's business where something is only read. */
  constructor(root: string, followsRoot = false) {
    this.#root = root
    this.#followsRoot = followsRoot
  }

  /** The latest path asked for, for messages. */
  get latest(): string {
    return join(this.#root, this.#latest)
  }

  /**
   * A path that opens the entry, valid until the next call. It leads through no link, but the entry itself may be one:
   * callers must not follow it. '' is the folder itself. Throws ENOENT, ENOTDIR or ELOOP.
   */
  pathOf(path: string): string {
    this.#latest = path
    if (!CAN_OPEN_BY_HANDLE) return join(this.#root, path)
    const slash = path.lastIndexOf('/')
    const folder = slash < 0 ? '' : path.slice(0, slash)
    if (folder !== this.#folder) this.#enterOrFail(folder)
    return this.#prefix + path.slice(slash + 1)
  }

  /** A storage error about the path that failed: the one that the error names, else the latest. */
  failure(error: unknown): Error {
    const { path } = error as NodeJS.ErrnoException
    const isOurs = typeof path === 'string' && !path.startsWith(HANDLES)
    return storageError(error, isOurs ? path : this.latest)
  }

  #enterOrFail(folder: string): void {
    try {
      this.#enter(folder)
    } catch (error) {
      throw Object.assign(error as Error, { path: join(this.#root, folder) })
    }
  }

  #enter(folder: string): void {
    this.#folder = null
    const names = folder === '' ? [] : folder.split('/')
    let depth = 0
    while (depth < names.length && this.#open[depth]?.name === names[depth]) depth++
    for (const { fd } of this.#open.splice(depth)) closeSync(fd)
    this.#rootFd ??= openFolder(this.#root, this.#followsRoot)
    for (const name of names.slice(depth))
      this.#open.push({ name, fd: openFolder(`${HANDLES}${this.#fd}/${name}`) })
    this.#folder = folder
    this.#prefix = `${HANDLES}${this.#fd}/`
  }

  close(): void {
    for (const { fd } of this.#open.splice(0)) closeSync(fd)
    if (this.#rootFd !== null) closeSync(this.#rootFd)
    this.#rootFd = null
    this.#folder = null
  }

  get #fd(): number {
    return this.#open.at(-1)?.fd ?? this.#rootFd!
  }
}

/** Runs `use` with handles below `root`. A failure becomes a storage error that names its path. */
export function withFolders<T>(root: string, use: (folders: FolderHandles) => T, followsRoot = false): T {
  const folders = new FolderHandles(root, followsRoot)
  try {
    return use(folders)
  } catch (error) {
    throw folders.failure(error)
  } finally {
    folders.close()
  }
}

/** The same for files that are only read. */
export const withReadFolders = <T>(root: string, use: (folders: FolderHandles) => T): T =>
  withFolders(root, use, true)

function openFolder(path: string, follows = false): number {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants
  return openSync(path, O_RDONLY | O_DIRECTORY | (follows ? 0 : O_NOFOLLOW))
}
