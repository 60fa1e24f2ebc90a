const FIRST_MS = 500
const LAST_MS = 10_000

/**
 * Milliseconds to wait after `failures` failures in a row. Doubles each time, and half of it is random, so
 * that pages that lost a tracker together do not return together.
 * @param {number} failures 1 or more
 * @param {number} random in [0, 1)
 */
export function backOff(failures, random) {
  const most = Math.min(FIRST_MS * 2 ** (failures - 1), LAST_MS)
  return most / 2 + (most / 2) * random
}

/**
 * Returns early when the signal aborts.
 * @param {number} ms
 * @param {AbortSignal} signal
 */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true })
  })
}
