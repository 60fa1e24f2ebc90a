import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** The programs that run Shoal, relative to the checkout. */
export const PROGRAMS = { node: 'bin/shoal', deno: 'bin/shoal-deno', binary: 'dist/shoal' } as const
export type Program = keyof typeof PROGRAMS

export const programPath = (name: Program): string => join(import.meta.dirname, '../..', PROGRAMS[name])

/** The programs that exist here; the single binary exists after `npm run build:binary`. */
export const programsHere = (): Program[] =>
  (Object.keys(PROGRAMS) as Program[]).filter((name) => existsSync(programPath(name)))
