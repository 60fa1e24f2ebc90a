import { closeSync, openSync } from 'node:fs'
import { isDeno } from '../../packed/runtime.ts'

/** A file of the main thread, for writes by this thread. */
export interface ThreadFile {
  readonly fd: number
  /** Ends the use of the descriptor: the main thread may close its own. */
  release(): void
}

/**
 * The main thread's descriptor `fd`, for use in this thread. In Node, all threads share the process's descriptors.
 * In Deno, each thread has its own table and another thread's number is EBADF, so this opens the file again through
 * /dev/fd, which works even after a rename. Throws what `openSync` throws.
 */
export function threadFile(fd: number): ThreadFile {
  return isDeno ? openAgain(fd) : { fd, release: () => {} }
}

/** Files open in this thread, by the main thread's number, which stays valid while an extent needs it. */
const open = new Map<number, { fd: number; users: number }>()

function openAgain(number: number): ThreadFile {
  const file = open.get(number) ?? { fd: openSync(`/dev/fd/${number}`, 'r+'), users: 0 }
  open.set(number, file)
  file.users++
  const release = (): void => {
    if (--file.users > 0) return
    open.delete(number)
    closeSync(file.fd)
  }
  return { fd: file.fd, release }
}
