/** What of one file fails: by the kernel's name of the call, from the call `from` (1, 2, …) to the call `to` on. */
export interface DiskFault {
  call: 'fsync' | 'fdatasync' | 'pwrite64' | 'write'
  from: number
  to?: number
  error?: 'EIO' | 'ENOSPC'
}

export const ONE_THREAD = { UV_THREADPOOL_SIZE: '1' }

/**
 * The words that run a program for which the disk fails at the file `path`, and there alone: the kernel itself
 * answers so (strace(1), which `scripts/ensure-strace` sees to), in every thread and process of it. Linux.
 * Each thread counts its own calls: Node makes these in a pool of threads, with ONE_THREAD in the environment in one.
 */
export function onFailingDisk(path: string, { call, from, to, error = 'EIO' }: DiskFault): string[] {
  const when = to === undefined ? `${from}+` : `${from}..${to}`
  const inject = `inject=${call}:error=${error}:when=${when}`
  return [
    'strace',
    // The program keeps the process that was started, and so gets its signals.
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
