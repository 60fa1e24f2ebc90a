import { closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'

const CAN_OPEN_BY_HANDLE = process.platform === 'linux'

/**
 * Resolves paths below a folder so that no symbolic link leads out of it, even if somebody swaps a folder for a link
 * meanwhile. It opens each folder without following links, through the handle of its parent (openat(2) by
 * /proc/self/fd). Systems other than Linux get plain paths.
 */
export class FolderHandles {
  readonly #root: string
  /** Handles of the folder used last and of its parents. */
  #open: { name: string; fd: number }[] = []
  #rootFd: number | null = null

  constructor(root: string) {
    this.#root = root
  }

  /** A path that opens the entry, valid until the next call. Throws ENOENT, ENOTDIR or ELOOP. */
  pathOf(path: string): string {
    if (!CAN_OPEN_BY_HANDLE) return join(this.#root, path)
    const names = path.split('/')
    const name = names.pop()!
    let depth = 0
    while (depth < names.length && this.#open[depth]?.name === names[depth]) depth++
    for (const { fd } of this.#open.splice(depth)) closeSync(fd)
    this.#rootFd ??= openFolder(this.#root)
    for (const folder of names.slice(depth))
      this.#open.push({ name: folder, fd: openFolder(`/proc/self/fd/${this.#fd}/${folder}`) })
    return `/proc/self/fd/${this.#fd}/${name}`
  }

  close(): void {
    for (const { fd } of this.#open.splice(0)) closeSync(fd)
    if (this.#rootFd !== null) closeSync(this.#rootFd)
    this.#rootFd = null
  }

  get #fd(): number {
    return this.#open.at(-1)?.fd ?? this.#rootFd!
  }
}

function openFolder(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
}
