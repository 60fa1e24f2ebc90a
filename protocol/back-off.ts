/**
 * Milliseconds to wait after `failures` failures in a row (1 or more): `firstMs`, doubling up to `lastMs`. A `random`
 * in [0, 1) spreads the waits over all of that time, so that clients that lost a server together do not return together.
 */
export function backOff(failures: number, firstMs: number, lastMs: number, random = 1): number {
  return Math.min(firstMs * 2 ** (failures - 1), lastMs) * random
}
