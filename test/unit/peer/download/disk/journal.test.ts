import fc from 'fast-check'
import {
  encodeDoubt,
  encodeHeader,
  encodeMarks,
  encodeSeal,
  parseJournal,
} from '../../../../../peer/download/disk/journal.ts'
import { CHUNK_SIZE } from '../../../../../protocol/chunking.ts'

const ID = 'ab'.repeat(32)
const CHUNKS = 40
const SIZE = CHUNKS * CHUNK_SIZE - 5
const MTIME = 1_700_000_000_123_456_789n
const header = encodeHeader(ID, SIZE)
const marks = fc.array(fc.nat(CHUNKS - 1), { maxLength: 60 })

const marked = (data: Buffer): number[] => {
  const journal = parseJournal(data, ID, SIZE)
  return Array.from({ length: CHUNKS }, (_, i) => i).filter((i) => journal?.marked.has(i))
}
const sorted = (chunks: number[]): number[] => [...new Set(chunks)].sort((a, b) => a - b)

test('marks are read back in any batches, and a seal has its time', () => {
  fc.assert(
    fc.property(marks, marks, (first, second) => {
      const data = Buffer.concat([header, encodeMarks(first), encodeMarks(second)])
      expect(marked(data)).toEqual(sorted([...first, ...second]))
      expect(parseJournal(data, ID, SIZE)?.sealedAt).toBeNull()
      const sealed = parseJournal(Buffer.concat([data, encodeSeal(MTIME)]), ID, SIZE)
      expect(sealed?.sealedAt).toBe(MTIME)
      expect(sealed?.marked.count).toBe(sorted([...first, ...second]).length)
    }),
  )
})

test('a journal truncated anywhere has exactly its complete marks and no seal', () => {
  fc.assert(
    fc.property(marks, fc.nat(), fc.boolean(), (chunks, where, withSeal) => {
      const body = Buffer.concat([encodeMarks(chunks), withSeal ? encodeSeal(MTIME) : Buffer.alloc(0)])
      const cut = where % Math.max(1, body.length)
      const data = Buffer.concat([header, body.subarray(0, cut)])
      expect(marked(data)).toEqual(sorted(chunks.slice(0, Math.floor(cut / 4))))
      expect(parseJournal(data, ID, SIZE)?.sealedAt).toBeNull()
    }),
  )
})

test('a journal with a truncated header, or of another content, size or format, is rejected', () => {
  for (let length = 0; length < header.length; length++)
    expect(parseJournal(header.subarray(0, length), ID, SIZE)).toBeNull()
  const data = Buffer.concat([header, encodeMarks([1, 2])])
  expect(parseJournal(data, 'ac'.repeat(32), SIZE)).toBeNull()
  expect(parseJournal(data, ID, SIZE + 1)).toBeNull()
  const flipped = Buffer.from(data)
  flipped[7]! ^= 1
  expect(parseJournal(flipped, ID, SIZE)).toBeNull()
  expect(parseJournal(Buffer.alloc(0), ID, SIZE)).toBeNull()
})

test('a seal followed by anything is invalid, and marks beyond the file are ignored', () => {
  const data = Buffer.concat([header, encodeSeal(MTIME), encodeMarks([3])])
  expect(parseJournal(data, ID, SIZE)?.sealedAt).toBeNull()
  expect(marked(Buffer.concat([header, encodeMarks([CHUNKS, 2 ** 31, 7])]))).toEqual([7])
})

test('any bytes after a valid header are read without an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      const journal = parseJournal(Buffer.concat([header, noise]), ID, SIZE)
      expect(journal?.marked.size).toBe(CHUNKS)
    }),
  )
})

test('a doubt outlasts later marks until a seal', () => {
  fc.assert(
    fc.property(marks, (chunks) => {
      const data = Buffer.concat([header, encodeDoubt(), encodeMarks(chunks)])
      expect(parseJournal(data, ID, SIZE)).toMatchObject({ doubted: true, sealedAt: null })
      expect(marked(data)).toEqual(sorted(chunks))
      const sealed = parseJournal(Buffer.concat([data, encodeSeal(MTIME)]), ID, SIZE)
      expect(sealed).toMatchObject({ doubted: false, sealedAt: MTIME })
    }),
  )
})
