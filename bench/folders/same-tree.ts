import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { mustBeSame } from '../lib/files.ts'

/** Shoal sets times as floating-point seconds, which rounds them by less. */
const ROUNDING_MS = 0.01
const WHOLE = 1024 * 1024

/**
 * Throws unless both folders hold the same names, kinds, modes, contents and, with `times`, modification times of
 * files. `except` names entries of the top that do not count.
 */
export function mustBeSameTree(
  a: string,
  b: string,
  { times = true, except = [] as readonly string[] } = {},
): void {
  const names = namesIn(a, except)
  const others = namesIn(b, except)
  if (names.join('/') !== others.join('/')) throw new Error(`${b} does not hold the same names as ${a}`)
  for (const name of names) sameEntry(join(a, name), join(b, name), times)
}

const namesIn = (folder: string, except: readonly string[]): string[] =>
  readdirSync(folder)
    .filter((name) => !except.includes(name))
    .sort()

function sameEntry(a: string, b: string, times: boolean): void {
  const [one, other] = [lstatSync(a), lstatSync(b)]
  if (one.mode !== other.mode)
    throw new Error(`${b} has mode ${other.mode.toString(8)} instead of ${one.mode.toString(8)}`)
  if (one.isDirectory()) mustBeSameTree(a, b, { times })
  else if (!one.isSymbolicLink()) sameFile(a, b, times)
  else if (readlinkSync(a) !== readlinkSync(b)) throw new Error(`${b} leads elsewhere than ${a}`)
}

function sameFile(a: string, b: string, times: boolean): void {
  const [one, other] = [lstatSync(a), lstatSync(b)]
  if (times && Math.abs(one.mtimeMs - other.mtimeMs) > ROUNDING_MS)
    throw new Error(`${b} has another time than ${a}`)
  if (one.size !== other.size) throw new Error(`${b} has another size than ${a}`)
  if (one.size > WHOLE) mustBeSame(a, b)
  else if (!readFileSync(a).equals(readFileSync(b))) throw new Error(`${b} differs from ${a}`)
}
