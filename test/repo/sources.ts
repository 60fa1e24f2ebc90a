import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { ROOMS, TEST_ROOMS } from './rooms.ts'

/** Its text shows every form of import, and imports none of it. */
const SCANNER_TEST = 'test/repo/sources.test.ts'
export const root = join(import.meta.dirname, '../..')
const ROOM_NAMES = Object.keys(ROOMS).sort((a, b) => b.length - a.length)
export const roomOf = (path: string): string => ROOM_NAMES.find((room) => path.startsWith(`${room}/`)) ?? path

export const packageOf = (name: string): string =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')

export interface Source {
  path: string
  text: string
  imports: string[]
}

const IMPORT =
  /(?:^|[\s;}])(?:import|export)\s*(?:[\w*{}\s,$]+?\sfrom\s*)?['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"\n]+)['"]/g

export function importsOf(text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => (match[1] ?? match[2]) as string)
}

const tops = new Set(ROOM_NAMES.map((room) => room.split('/')[0] as string))
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'], {
  cwd: root,
  encoding: 'utf8',
}).split('\n')
export const sources: Source[] = files
  .filter((path) => tops.has(path.split('/')[0] as string) && path !== SCANNER_TEST)
  .flatMap((path) => {
    try {
      const text = readFileSync(join(root, path), 'utf8')
      return [{ path, text, imports: importsOf(text) }]
    } catch {
      // Removed, and not committed yet.
      return []
    }
  })
export const programs = sources.filter(({ path }) => !TEST_ROOMS.has(path.split('/')[0] as string))

export const targetOf = (path: string, name: string): string => normalize(join(dirname(path), name))
