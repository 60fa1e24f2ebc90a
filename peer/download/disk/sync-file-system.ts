import { execFile } from 'node:child_process'

/**
 * Syncs the file system at `path`: one syncfs(2), which Node lacks, instead of an fsync for each of thousands of files.
 * Rejects with EIO if that fails.
 */
export function syncFileSystem(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('sync', ['-f', path], (error, _, stderr) => {
      if (!error) return resolve()
      // If `sync` has no option -f, sync all file systems.
      if (/option|usage/i.test(stderr))
        return execFile('sync', (failed) => (failed ? reject(failed) : resolve()))
      reject(Object.assign(new Error(`EIO: ${stderr.trim() || error.message}`), { code: 'EIO' }))
    })
  })
}
