/** Pure functions from values to text for people. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** 1536 → "1.5 KiB". */
export function formatBytes(bytes: number): string {
  let unit = 0
  let value = bytes
  while (value >= 1023.95 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`
}

/** Bytes per second: 1536 → "1.5 KiB/s". */
export function formatRate(rate: number): string {
  return `${formatBytes(Math.round(rate))}/s`
}

/** Seconds: 0.25 → "0.3 s", 75 → "1m 15s", 7260 → "2h 1m". */
export function formatSeconds(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`
  return `${Math.floor(whole / 86_400)}d ${Math.floor((whole % 86_400) / 3600)}h`
}

/** 1, "file" → "1 file"; 3, "file" → "3 files". */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** { users: 2, sessions: 1, groups: 0 } → "2 users, 1 session, 0 groups". */
export function countsText(counts: object): string {
  return Object.entries(counts)
    .map(([nouns, count]) => plural(Number(count), nouns.slice(0, -1)))
    .join(', ')
}

/** Left-aligned columns, two spaces apart, the header first. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
