import { isDeno } from '../../packed/runtime.ts'

/** Functions of the C library that Node lacks. Each returns 0, or -1 after an error. */
export interface Libc {
  /** utimensat(2). `times` are access and modification time, as two structs timespec of two 64-bit numbers. */
  utimensat(folder: number, path: string, times: BigInt64Array, flags: number): number
  /** syncfs(2). */
  syncfs(fd: number): number
}

/** undefined before the first use. */
let loaded: Libc | null | undefined

/** The C library of Linux by node:ffi, which Node 26 has. Null where either is missing. */
export function libc(): Libc | null {
  if (loaded === undefined) loaded = load()
  return loaded
}

function load(): Libc | null {
  const fits = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)
  if (!fits || isDeno) return null
  const { emitWarning } = process
  // It warns that it is experimental. Callers have a slower or less exact way without it.
  process.emitWarning = () => {}
  try {
    const { dlopen } = process.getBuiltinModule('node:ffi')
    return dlopen(null, {
      utimensat: { arguments: ['int32', 'string', 'buffer', 'int32'], return: 'int32' },
      syncfs: { arguments: ['int32'], return: 'int32' },
    } as const).functions
  } catch {
    return null
  } finally {
    process.emitWarning = emitWarning
  }
}
