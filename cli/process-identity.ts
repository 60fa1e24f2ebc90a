import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

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

/** Resolves once the process has ended; false where it has not within `timeoutMs`. */
export async function processEnds(pid: number, start: string, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (processStart(pid) === start) {
    if (performance.now() > deadline) return false
    await delay(20)
  }
  return true
}
