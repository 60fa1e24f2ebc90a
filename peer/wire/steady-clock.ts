import { uptime } from 'node:os'

const startedAt = Date.now()
const bootedFor = uptime()

/**
 * Milliseconds since the epoch: the system clock at this process's start plus the time since. It counts suspends
 * (CLOCK_BOOTTIME, clock_gettime(2)) and ignores later changes of the system clock.
 */
export const steadyNow = (): number => startedAt + (uptime() - bootedFor) * 1000
