/**
 * Milliseconds to wait after `failures` failures in a row: up to `firstMs`, doubling up to `lastMs`, all of it
 * by chance (`random` in [0, 1)), so that those who lost a tracker at the same moment do not come back in one.
 */
export function backOff(failures: number, firstMs: number, lastMs: number, random: number): number {
  return Math.min(firstMs * 2 ** (failures - 1), lastMs) * random
}
