import { lstatSync, readdirSync, rmdirSync, rmSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { withFolders } from './folder-handles.ts'
import { setMode, WORKING_FOLDER } from './place.ts'

/**
 * Removes a folder and everything in it, and nothing elsewhere: Node's own rm follows a folder that somebody swaps for
 * a link between its look and its listing. A link or file at the path itself is removed too. Throws a storage error.
 */
export function removeTree(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (!stat?.isDirectory()) {
    rmSync(path, { force: true })
    return
  }
  withFolders(path, (folders) => {
    const empty = (folder: string): void => {
      for (const name of readdirSync(folders.pathOf(join(folder, '.')))) {
        const inside = join(folder, name)
        if (lstatSync(folders.pathOf(inside)).isDirectory()) {
          setMode(folders.pathOf(inside), WORKING_FOLDER)
          empty(inside)
          rmdirSync(folders.pathOf(inside))
        } else unlinkSync(folders.pathOf(inside))
      }
    }
    empty('')
  })
  rmdirSync(path)
}
