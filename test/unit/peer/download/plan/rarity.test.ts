import fc from 'fast-check'
import { ChunkSet } from '../../../../../peer/download/plan/chunk-set.ts'
import { Rarity } from '../../../../../peer/download/plan/rarity.ts'
import { Bitmap } from '../../../../../protocol/bitmap.ts'

const SIZE = 3000
const chunks = fc.uniqueArray(fc.nat(SIZE - 1), { maxLength: 300, size: 'max' })
const setOf = (members: Iterable<number>): ChunkSet => {
  const set = new ChunkSet(SIZE)
  for (const chunk of members) set.add(chunk)
  return set
}

test('a chunk set holds exactly the added and not deleted chunks, in order', () => {
  fc.assert(
    fc.property(chunks, chunks, (added, deleted) => {
      const set = setOf(added)
      for (const chunk of deleted) expect(set.delete(chunk)).toBe(added.includes(chunk))
      const left = added.filter((chunk) => !deleted.includes(chunk)).sort((a, b) => a - b)
      expect([...set]).toEqual(left)
      expect(set.count).toBe(left.length)
      for (const chunk of added) expect(set.has(chunk)).toBe(left.includes(chunk))
      const bitmap = new Bitmap(SIZE)
      for (const chunk of left) bitmap.add(chunk)
      expect([...ChunkSet.from(bitmap)]).toEqual(left)
    }),
  )
})

test('every common chunk of two sets is found with about the same chance', () => {
  fc.assert(
    fc.property(chunks, chunks, (one, other) => {
      const found = setOf(one).common(setOf(other), Math.random)
      const both = one.filter((chunk) => other.includes(chunk))
      if (both.length === 0) expect(found).toBeNull()
      else expect(both).toContain(found)
    }),
  )
  const [a, b] = [setOf([0, 31, 32, 1023, 1024, 2999]), setOf([0, 1, 31, 1023, 2999])]
  // Count each start and each of the four: a choice draws two numbers.
  const counts = new Map<number | null, number>()
  for (let start = 0; start < 3; start++)
    for (let rank = 0; rank < 4; rank++) {
      const numbers = [(start + 0.5) / 3, (rank + 0.5) / 4]
      const found = a.common(b, () => numbers.shift()!)
      counts.set(found, (counts.get(found) ?? 0) + 1)
    }
  expect(counts).toEqual(new Map([0, 31, 1023, 2999].map((chunk) => [chunk, 3])))
})

test('the chunk found is free, held, and of the rarest level, and an orphan has no source', () => {
  const change = fc.tuple(fc.nat(39), fc.constantFrom('more', 'less', 'take', 'free'))
  fc.assert(
    fc.property(fc.array(change, { maxLength: 400, size: 'max' }), fc.boolean(), (changes, orphans) => {
      const rarity = new Rarity(40)
      const sources: number[] = new Array(40).fill(0)
      const free = new Set<number>()
      for (const [chunk, what] of changes)
        if (what === 'take') {
          if (free.delete(chunk)) rarity.delete(chunk)
        } else if (what === 'free') {
          if (!free.has(chunk)) rarity.add(chunk)
          free.add(chunk)
        } else if (what === 'more' || sources[chunk]! > 0) {
          sources[chunk]! += what === 'more' ? 1 : -1
          rarity.count(chunk, what === 'more' ? 1 : -1)
        }
      const held = setOf(Array.from({ length: 20 }, (_, i) => 2 * i))
      const candidates = [...free].filter((chunk) => chunk % 2 === 0 && !(orphans && sources[chunk]! > 0))
      const found = rarity.rarest(held, orphans, Math.random)
      if (candidates.length === 0) expect(found).toBeNull()
      else {
        expect(candidates).toContain(found)
        const fewest = Math.min(...candidates.map((chunk) => sources[chunk]!))
        expect(rarity.isOrphan(found!)).toBe(fewest === 0)
        // Small counts are exact, larger ones are within a third.
        expect(sources[found!]).toBeLessThanOrEqual(fewest < 4 ? fewest : fewest * 1.5)
      }
    }),
  )
})

test('sources beyond the highest level are still counted', () => {
  const rarity = new Rarity(2)
  for (const chunk of [0, 1]) rarity.add(chunk)
  for (let i = 0; i < 100; i++) rarity.count(0, 1)
  for (let i = 0; i < 80; i++) rarity.count(1, 1)
  for (let i = 0; i < 50; i++) rarity.count(0, -1)
  expect(rarity.rarest(setOf([0, 1]), false, Math.random)).toBe(0)
  expect(rarity.isAsCommon(1, 0)).toBe(true)
  expect(rarity.isAsCommon(0, 1)).toBe(false)
})
