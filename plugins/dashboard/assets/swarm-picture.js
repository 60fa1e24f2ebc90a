// Computes a swarm's picture from the tracker's answer. Pure.

/**
 * @typedef {object} SwarmPeer
 * @property {string} peer id
 * @property {string} user
 * @property {boolean} seed
 * @property {number | null} held chunks; null until the peer reports
 * @property {string} parts base64: one byte per part of the file, the share of it that the peer holds, of 255
 * @property {number} down bytes a second
 * @property {number} up
 */

const WHOLE = 255

/**
 * The share, 0 to 255, of each part of the file.
 * @param {string} parts base64
 */
export const sharesOf = (parts) => Array.from(atob(parts), (character) => character.charCodeAt(0))

/**
 * Copies of each part that these peers hold together; partial copies add up.
 * @param {readonly (readonly number[])[]} held the shares of each peer
 */
export function copiesOf(held) {
  const length = Math.max(0, ...held.map((shares) => shares.length))
  return Array.from({ length }, (_, i) => held.reduce((sum, shares) => sum + (shares[i] ?? 0), 0) / WHOLE)
}

/**
 * A peer's parts in words.
 * @param {readonly number[]} shares
 */
export function sharesText(shares) {
  const whole = shares.filter((share) => share === WHOLE).length
  const begun = shares.filter((share) => share > 0 && share < WHOLE).length
  if (shares.length === 0) return 'has not reported its parts'
  if (whole === shares.length) return 'holds the whole file'
  if (whole + begun === 0) return 'holds nothing yet'
  const some = begun > 0 ? `, and some of ${begun} more` : ''
  return `holds ${whole} of ${shares.length} parts${some}`
}

/**
 * Says whether these peers together hold the whole file.
 * @param {readonly number[]} copies
 */
export function copiesText(copies) {
  if (copies.length === 0) return 'No peer has reported its parts.'
  const missing = copies.filter((count) => count < 1).length
  if (missing === 0) {
    const fewest = Math.floor(Math.min(...copies))
    return `Every part is available at least ${fewest < 3 ? ['once', 'twice'][fewest - 1] : `${fewest} times`}.`
  }
  if (missing === copies.length) return 'No part is complete among these peers.'
  return `${missing} of ${copies.length} parts ${missing === 1 ? 'is' : 'are'} incomplete among these peers.`
}

/**
 * The copies of the rarest and of the commonest part, in words.
 * @param {readonly number[]} copies
 */
export function rangeText(copies) {
  const of = (/** @type {number} */ count) => count.toFixed(1).replace('.0', '')
  return `Copies of each part: ${of(Math.min(...copies))} to ${of(Math.max(...copies))}`
}

/**
 * Merges equal neighbours for drawing.
 * @param {readonly number[]} values one for each part
 * @returns {{ start: number, length: number, value: number }[]}
 */
export function runsOf(values) {
  /** @type {{ start: number, length: number, value: number }[]} */
  const runs = []
  for (const [start, value] of values.entries()) {
    const last = runs.at(-1)
    if (last?.value === value) last.length++
    else runs.push({ start, length: 1, value })
  }
  return runs
}
