import { readdirSync, readFileSync } from 'node:fs'
import { setInterval } from 'node:timers/promises'

/** Linux counts a process's CPU time in hundredths of a second (USER_HZ). */
const TICKS_A_SECOND = 100

/** CPU seconds that the process has used, in user and kernel mode (proc(5): fields 14 and 15 of stat). */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
}

export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1] ?? 0) * 1024
}

/** The most that was ever resident of the process (VmHWM). */
export function peakResidentBytes(pid: number): number {
  const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1] ?? 0) * 1024
}

/** Processes whose command line contains `text`. */
export function processesWith(text: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => commandLine(pid).includes(text))
}

/** Samples until the work ends; returns the result and the samples. */
export async function sampled<T, S>(everyMs: number, sample: () => S, work: Promise<T>): Promise<[T, S[]]> {
  const samples = [sample()]
  const stop = new AbortController()
  const sampling = (async () => {
    for await (const _ of setInterval(everyMs, undefined, { signal: stop.signal })) samples.push(sample())
  })().catch(() => {})
  try {
    return [await work, samples]
  } finally {
    stop.abort()
    await sampling
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
