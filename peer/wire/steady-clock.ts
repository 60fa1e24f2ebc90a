import { uptime } from 'node:os'

/** Smaller differences are ignored: trackers tell whole seconds, and their answers take a moment. */
const TOLERANCE_MS = 5000

/** Milliseconds since the epoch when the system started. */
let bootedAt = Date.now() - uptime() * 1000

/**
 * Milliseconds since the epoch by the tracker's clock; until a tracker has answered, by the system clock at this
 * process's start. It counts suspends (CLOCK_BOOTTIME, clock_gettime(2)) and ignores changes of the system clock.
 */
export const steadyNow = (): number => bootedAt + uptime() * 1000

/**
 * Follows the tracker's clock, because grants are dated by it. `tookMs` is how long the tracker's answer took. An answer
 * that this process slept through tells an old time.
 */
export function followTracker(now: number, tookMs: number): void {
  const ahead = now - steadyNow()
  if (tookMs < TOLERANCE_MS && Math.abs(ahead) > TOLERANCE_MS) bootedAt += ahead
}
