import type { Bitmap } from './bitmap.ts'

/** Maximum number of slices in a swarm's picture. */
const MAX_PARTS = 64

/** Number of equal slices for a file of `chunks` chunks: slice i of n is [⌊i·chunks/n⌋, ⌊(i+1)·chunks/n⌋). */
export const partCount = (chunks: number): number => Math.min(MAX_PARTS, chunks)

/** The share held of each slice, 0 to 255. Exactly 0 means none of it, exactly 255 all of it. */
export function partsOf(have: Bitmap): Uint8Array {
  const parts = new Uint8Array(partCount(have.size))
  if (have.isFull) return parts.fill(255)
  for (let i = 0; i < parts.length; i++) {
    const first = Math.floor((i * have.size) / parts.length)
    const end = Math.floor(((i + 1) * have.size) / parts.length)
    parts[i] = share(have.countRange(first, end), end - first)
  }
  return parts
}

function share(held: number, of: number): number {
  if (held === 0 || held === of) return held === 0 ? 0 : 255
  return Math.min(254, Math.max(1, Math.round((255 * held) / of)))
}

/** The parts of a complete peer, in base64. */
export const allParts = (chunks: number): string => Buffer.alloc(partCount(chunks), 255).toString('base64')
