import { execFile } from 'node:child_process'

/**
 * Syncs the file system at `path`: one syncfs(2), which Node lacks, instead of an fsync for each of thousands of files.
 * Rejects with EIO if that fails, or with the error of starting it.
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
