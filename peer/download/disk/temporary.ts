import { createHash } from 'node:crypto'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

const STALE_MS = 24 * 3600_000

/** The name of a file that is only read: `name` may be that of a file in a snapshot. */
export function temporaryName({ fileId, tree }: { fileId: string; tree?: unknown }, name: string): string {
  return tree ? createHash('sha256').update(`${fileId}\0${name}`).digest('hex').slice(0, 32) : fileId
}

/** Removes files of `-o -` whose reader has not come back for a day. */
export function removeStale(folder: string): void {
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (Date.now() - statSync(path).mtimeMs > STALE_MS) rmSync(path, { recursive: true, force: true })
  }
}
