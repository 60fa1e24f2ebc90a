import { closeSync, openSync } from 'node:fs'
import { isDeno } from '../../packed/runtime.ts'

/** A file that the main thread has open, as this thread writes to it. */
export interface ThreadFile {
  readonly fd: number
  /** The descriptor is not used any more: the main thread may close its own now. */
  release(): void
}

/**
 * The main thread's descriptor `fd`, for use in this thread. In Node all threads of a process share the
 * descriptors. In Deno each thread has a table of its own, where another thread's number is EBADF: there the
 * file behind the number is opened once more, through /dev/fd, which finds it whatever became of its name.
 * Throws what `openSync` throws.
 */
export function threadFile(fd: number): ThreadFile {
  return isDeno ? openAgain(fd) : { fd, release: () => {} }
}

/** Open in this thread, by the main thread's number, which names one file for as long as an extent needs it. */
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
