const UNITS: Record<string, number> = {
  '': 1,
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  Mbit: 1e6 / 8,
  ms: 1e-3,
  s: 1,
}

/** "3GB" or "100Mbit" in bytes, "0.5ms" in seconds. Throws RangeError for anything else. */
export function parseQuantity(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text) ?? []
  const factor = unit === undefined ? undefined : UNITS[unit]
  if (number === undefined || factor === undefined) throw new RangeError(`"${text}" is not a quantity`)
  return Number(number) * factor
}
