import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { sha256 } from '../../protocol/merkle.ts'

/** Makes files below a new folder, by path; a path that ends in a slash is a folder. Returns `root`. */
export function makeFolder(root: string, files: Record<string, string | Buffer>): string {
  mkdirSync(root)
  for (const [path, content] of Object.entries(files)) {
    if (path.endsWith('/')) mkdirSync(join(root, path), { recursive: true })
    else {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), content)
    }
  }
  return root
}

/** Every entry below a folder: kind, mode, time in milliseconds, and content or target. */
export function treeOf(root: string): Record<string, string> {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true })
  return Object.fromEntries(
    entries
      .map((entry): [string, string] => {
        const path = join(entry.parentPath, entry.name)
        const stat = lstatSync(path)
        const content = stat.isFile()
          ? sha256(readFileSync(path)).toString('hex')
          : stat.isSymbolicLink()
            ? readlinkSync(path)
            : 'folder'
        const time = Math.floor(stat.mtimeMs)
        return [
          relative(root, path),
          `${stat.isSymbolicLink() ? '' : (stat.mode & 0o777).toString(8)} ${time} ${content}`,
        ]
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}
