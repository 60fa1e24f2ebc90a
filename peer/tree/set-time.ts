import { lutimesSync } from 'node:fs'
import { isDeno } from '../../packed/runtime.ts'

/** Of utimensat(2), on Linux: paths are relative to the current folder, and links are not followed. */
const AT_FDCWD = -100
const AT_SYMLINK_NOFOLLOW = 0x100
const SECOND_NS = 1_000_000_000n

type Utimensat = (folder: number, path: string, times: BigInt64Array, flags: number) => number

/** Access and modification time, as two structs timespec of two 64-bit numbers. */
const times = new BigInt64Array(4)
/** undefined before the first use. */
let utimensat: Utimensat | null | undefined

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
  if (utimensat === undefined) utimensat = loadUtimensat()
  if (utimensat === null) return false
  const below = ((ns % SECOND_NS) + SECOND_NS) % SECOND_NS
  times[0] = times[2] = (ns - below) / SECOND_NS
  times[1] = times[3] = below
  try {
    return utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) === 0
  } catch {
    // The experimental module has changed.
    utimensat = null
    return false
  }
}

/** Node's own functions take seconds as a float, which is exact to 240 ns. */
function loadUtimensat(): Utimensat | null {
  const fits = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)
  if (!fits || isDeno) return null
  const { emitWarning } = process
  // It warns that it is experimental. Without it, times are less exact, and nothing else changes.
  process.emitWarning = () => {}
  try {
    const { dlopen } = process.getBuiltinModule('node:ffi')
    const definition = { arguments: ['int32', 'string', 'buffer', 'int32'], return: 'int32' } as const
    return dlopen(null, { utimensat: definition }).functions.utimensat
  } catch {
    return null
  } finally {
    process.emitWarning = emitWarning
  }
}

/** Deno truncates to milliseconds. The added half keeps a rounding error from losing another one. */
const secondsOf = (ns: bigint): number => (isDeno ? (Number(ns / 1_000_000n) + 0.5) / 1000 : Number(ns) / 1e9)
