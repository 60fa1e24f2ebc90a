import { lutimesSync } from 'node:fs'
import { isDeno } from '../../packed/runtime.ts'
import { libc } from './libc.ts'

/** Of utimensat(2), on Linux: paths are relative to the current folder, and links are not followed. */
const AT_FDCWD = -100
const AT_SYMLINK_NOFOLLOW = 0x100
const SECOND_NS = 1_000_000_000n

/** Access and modification time. */
const times = new BigInt64Array(4)

/**
 * Sets access and modification time of a file, folder or link, which it does not follow: to the nanosecond on Linux with a
 * Node that has node:ffi, else as exactly as the runtime can. Throws errors of the file system.
 */
export function setTime(path: string, mtimeNs: bigint): void {
  if (setExactly(path, mtimeNs)) return
  const seconds = secondsOf(mtimeNs)
  lutimesSync(path, seconds, seconds)
}

function setExactly(path: string, ns: bigint): boolean {
  const below = ((ns % SECOND_NS) + SECOND_NS) % SECOND_NS
  times[0] = times[2] = (ns - below) / SECOND_NS
  times[1] = times[3] = below
  try {
    return libc()?.utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) === 0
  } catch {
    // The experimental module has changed.
    return false
  }
}

/**
 * Node's own functions take seconds as a float, which is exact to 240 ns. Deno truncates to milliseconds; the added half
 * keeps a rounding error from losing another one.
 */
const secondsOf = (ns: bigint): number => (isDeno ? (Number(ns / 1_000_000n) + 0.5) / 1000 : Number(ns) / 1e9)
