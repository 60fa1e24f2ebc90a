import { uptime } from 'node:os'

const startedAt = Date.now()
const bootedFor = uptime()

/**
 * Milliseconds since the epoch, by the system's clock at this process's start and the time since then: it goes on
 * through a suspend (CLOCK_BOOTTIME, clock_gettime(2)) and does not follow when somebody sets the clock.
 */
export const steadyNow = (): number => startedAt + (uptime() - bootedFor) * 1000
