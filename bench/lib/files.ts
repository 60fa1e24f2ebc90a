import { randomFillSync } from 'node:crypto'
import { closeSync, existsSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cleanly } from './on-signal.ts'

const STEP = 16 * 2 ** 20
export const GIB = 2 ** 30
export const MIB = 2 ** 20

/** A folder in memory, so that we measure links and CPU, not a disk. */
export const memoryFolder = (): string => (existsSync('/dev/shm') ? '/dev/shm' : tmpdir())

/** Runs `use` with an empty folder in `parent`, then removes the folder. */
export async function withFolder<T>(parent: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(parent, 'shoal-bench-'))
  return cleanly(
    () => use(folder),
    () => rmSync(folder, { recursive: true, force: true }),
  )
}

export function randomFile(path: string, size: number): void {
  const fd = openSync(path, 'w')
  const buffer = Buffer.allocUnsafe(STEP)
  for (let at = 0; at < size; at += STEP)
    writeSync(fd, randomFillSync(buffer), 0, Math.min(STEP, size - at), at)
  closeSync(fd)
}

/** Throws if the files differ. */
export function mustBeSame(a: string, b: string): void {
  const [one, other] = [openSync(a, 'r'), openSync(b, 'r')]
  const [left, right] = [Buffer.allocUnsafe(STEP), Buffer.allocUnsafe(STEP)]
  try {
    for (let at = 0; ; at += STEP) {
      const n = readSync(one, left, 0, STEP, at)
      const m = readSync(other, right, 0, STEP, at)
      if (n !== m || left.compare(right, 0, m, 0, n) !== 0) throw new Error(`${b} differs from ${a}`)
      if (n === 0) return
    }
  } finally {
    closeSync(one)
    closeSync(other)
  }
}
