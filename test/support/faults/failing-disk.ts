/** The system calls on a file that fail: number `from` (counted from 1) to number `to`, or all later ones. */
export interface DiskFault {
  call: 'fsync' | 'fdatasync' | 'syncfs' | 'pwrite64' | 'write' | 'mkdir' | 'rename'
  from: number
  to?: number
  error?: 'EIO' | 'ENOSPC' | 'EDQUOT' | 'EACCES' | 'EXDEV'
}

export const ONE_THREAD = { UV_THREADPOOL_SIZE: '1' }

/**
 * The command prefix that runs a program with a failing disk, for the file `path` only. strace(1), which
 * `scripts/ensure-strace` installs, injects the errors in all its threads and processes. Linux only. Each thread
 * counts its own calls, and Node makes them in a thread pool: set ONE_THREAD in the environment to count all.
 */
export function onFailingDisk(path: string, { call, from, to, error = 'EIO' }: DiskFault): string[] {
  const when = to === undefined ? `${from}+` : `${from}..${to}`
  const inject = `inject=${call}:error=${error}:when=${when}`
  return [
    'strace',
    // The program runs in the started process itself, so it gets the signals.
    '-D',
    '-f',
    '-qqq',
    '--seccomp-bpf',
    '-o',
    '/dev/null',
    '-P',
    path,
    '-e',
    `trace=${call}`,
    '-e',
    inject,
    '--',
  ]
}
