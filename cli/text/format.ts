import { tableLines } from './parts.ts'

/** Pure functions from values to text for people. */

const NS = 1_000_000_000n
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

/** Nanoseconds since the epoch as ISO 8601 UTC: "2026-11-28T10:00:00.123456789Z". */
export function formatTime(ns: bigint): string {
  const fraction = ((ns % NS) + NS) % NS
  const seconds = new Date(Number((ns - fraction) / NS) * 1000).toISOString().slice(0, -5)
  return `${seconds}.${String(fraction).padStart(9, '0')}Z`
}

/** Permission bits as ls shows them: 0o754 → "rwxr-xr--". */
export function formatMode(mode: number): string {
  return Array.from('rwxrwxrwx', (letter, bit) => (mode & (0o400 >> bit) ? letter : '-')).join('')
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
  return [...tableLines(header, () => rows)].join('\n')
}
