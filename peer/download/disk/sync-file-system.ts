import { execFile } from 'node:child_process'

/**
 * Writes everything of the file system at `path` to the disk: one syncfs(2), which Node does not have, instead of one
 * fsync for each of thousands of files. Rejects with EIO if that fails.
 */
export function syncFileSystem(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('sync', ['-f', path], (error, _, stderr) => {
      if (!error) return resolve()
      // A system whose `sync` knows no -f syncs all file systems.
      if (/option|usage/i.test(stderr))
        return execFile('sync', (failed) => (failed ? reject(failed) : resolve()))
      reject(Object.assign(new Error(`EIO: ${stderr.trim() || error.message}`), { code: 'EIO' }))
    })
  })
}
