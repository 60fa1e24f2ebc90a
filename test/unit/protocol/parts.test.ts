import fc from 'fast-check'
import { Bitmap } from '../../../protocol/bitmap.ts'
import { allParts, partCount, partsOf } from '../../../protocol/parts.ts'

function bitmapOf(size: number, held: Iterable<number>): Bitmap {
  const have = new Bitmap(size)
  for (const chunk of held) have.add(chunk)
  return have
}

test('a short file has one part per chunk, a long file 64', () => {
  expect([...partsOf(bitmapOf(3, [0, 2]))]).toEqual([255, 0, 255])
  expect([...partsOf(bitmapOf(0, []))]).toEqual([])
  expect(partsOf(bitmapOf(1000, []))).toHaveLength(64)
})

test('a part gives the held share of its slice; only none is 0 and only all is 255', () => {
  const size = 64 * 10_000
  const all = Array.from({ length: 10_000 }, (_, i) => i)
  const parts = partsOf(bitmapOf(size, [...all.slice(1), 10_000, ...all.map((i) => 20_000 + i)]))
  expect([...parts.subarray(0, 4)]).toEqual([254, 1, 255, 0])
  expect(partsOf(bitmapOf(128, [0, 2, 3]))).toEqual(Uint8Array.from([128, 255, ...Array(62).fill(0)]))
})

test('the slices cover every chunk exactly once, for any number of chunks', () => {
  const sizes = fc.integer({ min: 1, max: 400 })
  fc.assert(
    fc.property(sizes, fc.array(fc.nat(399)), (size, some) => {
      const have = bitmapOf(
        size,
        some.filter((chunk) => chunk < size),
      )
      const parts = partsOf(have)
      const n = partCount(size)
      let held = 0
      for (let i = 0; i < n; i++) {
        const [first, end] = [Math.floor((i * size) / n), Math.floor(((i + 1) * size) / n)]
        const here = Array.from({ length: end - first }, (_, at) => have.has(first + at)).filter(
          Boolean,
        ).length
        expect(have.countRange(first, end)).toBe(here)
        expect([parts[i] === 0, parts[i] === 255]).toEqual([here === 0, here === end - first])
        held += here
      }
      expect(held).toBe(have.count)
    }),
    { verbose: 1 },
  )
})

test('a peer that holds everything has all parts', () => {
  for (const chunks of [0, 1, 63, 64, 65, 100_000])
    expect(Buffer.from(partsOf(Bitmap.full(chunks))).toString('base64')).toBe(allParts(chunks))
})
