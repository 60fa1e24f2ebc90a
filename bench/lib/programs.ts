import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** What Shoal is run by, from the checkout's folder. */
export const PROGRAMS = { node: 'bin/shoal', deno: 'bin/shoal-deno', binary: 'dist/shoal' } as const
export type Program = keyof typeof PROGRAMS

export const programPath = (name: Program): string => join(import.meta.dirname, '../..', PROGRAMS[name])

/** Those that are here: the single binary is where `npm run build:binary` has made it. */
export const programsHere = (): Program[] =>
  (Object.keys(PROGRAMS) as Program[]).filter((name) => existsSync(programPath(name)))
