import { ShoalError } from '../../protocol/errors.ts'

/** Parses numbers in flags. All functions throw USAGE with a valid example. */

const DURATION_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
/** Node's timers wrap around beyond this: 24.8 days. */
export const MAX_TIMER_MS = 2 ** 31 - 1

/** "30s", "5m", "1.5h", "7d" or "0" in milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text.trim())
  if (match) return Math.round(Number(match[1]) * DURATION_MS[match[2] as string]!)
  if (text.trim() === '0') return 0
  throw usage(`${JSON.stringify(text)} is not a duration`, 'write a number and a unit: 30s, 5m, 2h or 7d')
}

const BYTES: Record<string, number> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
}

/** "10MB" (10⁷), "10MiB" (10 × 2²⁰), "500k", "1048576" or "0" in bytes, or in bytes per second for a rate. */
export function parseBytes(text: string): number {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([kmgt]i?|)(?:b|)(?:\/s|)$/i.exec(text.trim())
  const bytes = match ? Math.round(Number(match[1]) * BYTES[(match[2] as string).toLowerCase()]!) : Number.NaN
  if (Number.isSafeInteger(bytes)) return bytes
  throw usage(`${JSON.stringify(text)} is not a size or rate`, 'write bytes, or a unit: 500k, 10MB, 10MiB')
}

/** "a, b,c" becomes ["a", "b", "c"]. Empty parts are dropped. */
export function parseList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

export interface ListenAddress {
  host: string
  /** 0 means any free port. */
  port: number
}

/** "127.0.0.1:8080", "[::1]:8080", or ":8080" for all IPv4 addresses. */
export function parseListen(text: string): ListenAddress {
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]\s]*):(\d{1,5})$/i.exec(text.trim())
  const port = Number(match?.[2])
  if (match && port <= 65_535) return { host: match[1]!.replace(/^\[|\]$/g, '') || '0.0.0.0', port }
  throw usage(
    `${JSON.stringify(text)} is not an address to listen on`,
    'write HOST:PORT, for example 127.0.0.1:8080, [::1]:8080 or :8080',
  )
}

function usage(message: string, hint: string): ShoalError {
  return new ShoalError('USAGE', message, { hint })
}
