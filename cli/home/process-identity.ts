import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { ShoalError } from '../../protocol/errors.ts'

/**
 * When process `pid` started, in the system's format, or null if it is not running. Process ids are reused; together with
 * the start time, an id names one process.
 */
export function processStart(pid: number): string | null {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid)
}

/** Field 22 of proc(5)'s stat. The name before it may contain spaces and parentheses. A zombie counts as ended. */
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

/** Identifies one process: its id and its start time. */
export interface ProcessIdentity {
  pid: number
  started: string
}

/** Waits until a process that was asked to stop is gone. */
export async function waitForEnd({ pid, started }: ProcessIdentity): Promise<void> {
  const deadline = performance.now() + STOP_TIMEOUT_MS
  while (processStart(pid) === started) {
    if (performance.now() > deadline)
      throw new ShoalError('INTERNAL', `process ${pid} does not stop`, {
        hint: `kill it with: kill -9 ${pid}`,
      })
    await delay(20)
  }
}
