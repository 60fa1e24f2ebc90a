import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { ShoalError } from '../../protocol/errors.ts'

/**
 * When process `pid` started, in the system's own words; null where there is none. A process id alone says
 * little, since ids are used again: together with this it names one process.
 */
export function processStart(pid: number): string | null {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid)
}

/** Field 22 of proc(5)'s stat; the name before it may hold spaces and parentheses. A zombie has ended. */
function fromProc(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? null : (fields[19] ?? null)
  } catch {
    return null
  }
}

function fromPs(pid: number): string | null {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null
  } catch {
    return null
  }
}

const STOP_TIMEOUT_MS = 30_000

/** One process for certain: its id and when it started. */
export interface ProcessIdentity {
  pid: number
  started: string
}

/** Waits until a process that was asked to end is gone. */
export async function waitForEnd({ pid, started }: ProcessIdentity): Promise<void> {
  const deadline = performance.now() + STOP_TIMEOUT_MS
  while (processStart(pid) === started) {
    if (performance.now() > deadline)
      throw new ShoalError('INTERNAL', `process ${pid} does not end`, { hint: `end it with: kill -9 ${pid}` })
    await delay(20)
  }
}
