import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The folder of package.json. */
export const ROOT = join(import.meta.dirname, '../..')
export const DIST = join(ROOT, 'dist')
/** Intermediate files of the last build, for inspection. */
export const WORK = join(DIST, 'build')
/** A cache for slow steps that rarely change. All clones share it. */
export const KEPT = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'shoal', 'build')

export const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
export const sha256Of = (file: string): string => sha256(readFileSync(file))
