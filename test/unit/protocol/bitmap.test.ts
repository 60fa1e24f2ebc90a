import fc from 'fast-check'
import { Bitmap } from '../../../protocol/bitmap.ts'

const operation = fc.record({ kind: fc.constantFrom('add', 'delete'), index: fc.nat(200) })

test('a bitmap is a set of indexes with a count', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.array(operation), (size, operations) => {
      const bitmap = new Bitmap(size)
      const model = new Set<number>()
      for (const { kind, index } of operations.map((o) => ({ ...o, index: o.index % size }))) {
        if (kind === 'add') expect(bitmap.add(index)).toBe(!model.has(index) && !!model.add(index))
        else expect(bitmap.delete(index)).toBe(model.delete(index))
      }
      expect(bitmap.count).toBe(model.size)
      expect(bitmap.isFull).toBe(model.size === size)
      for (let i = -1; i <= size + 8; i++) expect(bitmap.has(i)).toBe(model.has(i))
    }),
  )
})

test('a bitmap can be rebuilt from its bytes, and clears bits past its size', () => {
  const sized = fc.nat(100).chain((size) => {
    const length = Math.ceil(size / 8)
    return fc.tuple(fc.constant(size), fc.uint8Array({ minLength: length, maxLength: length }))
  })
  fc.assert(
    fc.property(sized, ([size, bytes]) => {
      const bitmap = new Bitmap(size, bytes)
      const again = new Bitmap(size, bitmap.bytes)
      expect(again.bytes).toEqual(bitmap.bytes)
      expect(again.count).toBe(bitmap.count)
      expect(bitmap.count).toBeLessThanOrEqual(size)
    }),
  )
})

test('a bitmap copies the bytes that it is made from', () => {
  const bytes = new Uint8Array(1)
  const bitmap = new Bitmap(8, bytes)
  bytes[0] = 0xff
  expect(bitmap.count).toBe(0)
  expect(bitmap.has(0)).toBe(false)
})

test('the first chunk is the most significant bit', () => {
  const bitmap = new Bitmap(12)
  bitmap.add(0)
  bitmap.add(11)
  expect([...bitmap.bytes]).toEqual([0x80, 0x10])
})

test('a full bitmap is full at every size, and the empty one is both full and empty', () => {
  for (const size of [0, 1, 7, 8, 9, 64, 65]) {
    expect(Bitmap.full(size).isFull).toBe(true)
    expect(Bitmap.full(size).count).toBe(size)
  }
})

test('hasRange is true only if every bit of the range is set', () => {
  const bitmap = Bitmap.full(20)
  bitmap.delete(9)
  expect(bitmap.hasRange(0, 9)).toBe(true)
  expect(bitmap.hasRange(0, 10)).toBe(false)
  expect(bitmap.hasRange(10, 10)).toBe(true)
  expect(bitmap.hasRange(10, 11)).toBe(false)
  expect(bitmap.hasRange(5, 0)).toBe(true)
})

test('bytes of the wrong length and indexes out of range are refused', () => {
  expect(() => new Bitmap(9, new Uint8Array(1))).toThrow(RangeError)
  expect(() => new Bitmap(8, new Uint8Array(2))).toThrow(RangeError)
  expect(() => new Bitmap(8).add(8)).toThrow(RangeError)
  expect(() => new Bitmap(8).add(-1)).toThrow(RangeError)
  expect(new Bitmap(8).delete(8)).toBe(false)
})
