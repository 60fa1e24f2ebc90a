// Formats figures for people. Pure.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/**
 * "1.2 MiB".
 * @param {number} count
 */
export function bytes(count) {
  let value = count
  let unit = 0
  while (value >= 1023.95 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`
}

/**
 * Bytes a second; a dash for zero.
 * @param {number} count
 */
export const rate = (count) => (count > 0 ? `${bytes(count)}/s` : '–')

/**
 * "1 peer", "2,500 peers".
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export const counted = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`

/** @param {number} value */
export const number = (value) => value.toLocaleString('en')

/**
 * A share of 0 to 1. Only a complete share is 100 %, and only zero is 0 %.
 * @param {number} share
 */
export function percent(share) {
  if (share > 0 && share < 0.01) return '< 1 %'
  return `${share >= 1 ? 100 : Math.min(99, Math.floor(share * 100))} %`
}

/**
 * "24 Nov 2026, 14:05", in the reader's time zone.
 * @param {string | number} time ISO 8601, or milliseconds since the epoch
 */
export function dateTime(time) {
  return new Date(time).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
}

/**
 * "14:05", in the reader's time zone.
 * @param {number} time milliseconds since the epoch
 */
export const clock = (time) => new Date(time).toLocaleTimeString('en-GB', { timeStyle: 'short' })

/**
 * "3 d 4 h", "12 min", "40 s": the two largest units.
 * @param {number} seconds
 */
export function duration(seconds) {
  const whole = Math.floor(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min`
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`
}

/**
 * Turns a tracker's message into a sentence: "the name is taken" becomes "The name is taken."
 * @param {string} text
 */
export function sentence(text) {
  const first = text.slice(0, 1).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(first) ? first : `${first}.`
}

/**
 * The start of a hash, which is enough to tell peers apart.
 * @param {string} hash
 */
export const short = (hash) => hash.slice(0, 8)
