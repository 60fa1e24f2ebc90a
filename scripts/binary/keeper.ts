import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, WORK } from './paths.ts'

/** Compiles redis/embedded/keeper.c and returns the program's path. Throws if there is no compiler. */
export function buildKeeper(): string {
  const out = join(WORK, 'keeper')
  mkdirSync(WORK, { recursive: true })
  const [compiler, ...flags] = process.platform === 'linux' ? ['musl-gcc', '-static', '-s'] : ['cc']
  const words = [
    ...flags,
    '-Os',
    '-s',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-o',
    out,
    join(ROOT, 'redis/embedded/keeper.c'),
  ]
  execFileSync(compiler as string, words, { stdio: 'inherit' })
  return out
}
