import { execFile } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { libc } from './libc.ts'

/**
 * Syncs the file system of a folder in this thread, without a program. Returns false where it cannot, or if it failed:
 * `syncFileSystem` finds out why. Throws the error of opening the folder.
 */
export function syncHere(folder: string): boolean {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    return libc()?.syncfs(fd) === 0
  } catch {
    // The experimental module has changed.
    return false
  } finally {
    closeSync(fd)
  }
}

/**
 * Syncs the file system at `path` by a program: one syncfs(2), which Node lacks, instead of an fsync for each of thousands
 * of files. Rejects with EIO if that fails, or with the error of starting it.
 */
export function syncFileSystem(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('sync', ['-f', path], (error, _, stderr) => {
      if (!error) return resolve()
      // The program did not start: EMFILE, for example.
      if (typeof error.code === 'string') return reject(error)
      // If `sync` has no option -f, sync all file systems.
      if (/option|usage/i.test(stderr))
        return execFile('sync', (failed) => (failed ? reject(failed) : resolve()))
      reject(Object.assign(new Error(`EIO: ${stderr.trim() || error.message}`), { code: 'EIO' }))
    })
  })
}
