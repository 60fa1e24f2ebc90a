import fc from 'fast-check'
import { CHUNK_SIZE } from '../../../../protocol/chunking.ts'
import { FOOTER_SIZE, footerChunks, manifestChunks } from '../../../../protocol/tree/footer.ts'
import {
  chunksOfEntries,
  firstPackedChunk,
  type Segment,
  samePackedChunk,
  segmentsOfChunk,
  segmentsOfEntry,
  segmentsOfRange,
} from '../../../../protocol/tree/layout.ts'
import { below, range } from '../../../../protocol/tree/listing.ts'
import type { TreeIndex } from '../../../../protocol/tree/tree-index.ts'
import { buildTree } from '../../../../protocol/tree/tree-reader.ts'
import { file, folder, hashOf, trees } from '../../../support/trees.ts'

const every = (index: TreeIndex): number[] => [...range({ first: 0, end: index.count })]

/** Whether segments are right behind each other from `start` to `end` of the stream. */
function tile(segments: Iterable<Segment>, start: number, end: number): boolean {
  let at = start
  for (const { streamOffset, length } of segments) {
    if (streamOffset !== at || length <= 0) return false
    at += length
  }
  return at === end
}

test('the stream holds each byte of each content and of the trailer exactly once', () => {
  fc.assert(
    fc.property(trees, (entries) => {
      const { index } = buildTree(entries)
      const segments = [...segmentsOfRange(index, 0, index.streamSize)]
      expect(tile(segments, 0, index.streamSize)).toBe(true)
      const covered = new Map<number | null, number>()
      for (const { entry, length } of segments) covered.set(entry, (covered.get(entry) ?? 0) + length)
      for (const entry of every(index)) {
        const owned = index.owner(entry) === entry ? index.size(entry) : 0
        expect(covered.get(entry) ?? 0).toBe(owned)
        expect(
          tile(
            [...segmentsOfEntry(index, entry)].map((s) => ({ ...s, streamOffset: s.offset })),
            0,
            index.size(entry),
          ),
        ).toBe(true)
      }
      expect(covered.get(null)).toBe(index.footer.manifest + FOOTER_SIZE)
      expect(
        new Set(
          every(index)
            .filter((i) => index.size(i) > 0)
            .map((i) => `${index.sha256(i).toString('hex')}`),
        ).size,
      ).toBe(every(index).filter((i) => index.size(i) > 0 && index.owner(i) === i).length)
    }),
  )
})

test('a byte has the same place in its file, seen from a chunk, a range or the entry', () => {
  fc.assert(
    fc.property(trees, fc.nat(), fc.nat(), (entries, a, b) => {
      const { index } = buildTree(entries)
      const start = a % index.streamSize
      const end = start + 1 + (b % Math.min(3 * CHUNK_SIZE, index.streamSize - start))
      const segments = [...segmentsOfRange(index, start, end)]
      expect(tile(segments, start, end)).toBe(true)
      for (const { entry, offset, streamOffset, length } of segments) {
        if (entry === null) expect(streamOffset - offset).toBe(index.footer.contents)
        else
          expect(
            segmentsOfEntry(index, entry).some(
              (whole) =>
                whole.streamOffset - whole.offset === streamOffset - offset &&
                whole.offset <= offset &&
                offset + length <= whole.offset + whole.length,
            ),
          ).toBe(true)
      }
      const chunk = Math.floor(start / CHUNK_SIZE)
      const chunkEnd = Math.min((chunk + 1) * CHUNK_SIZE, index.streamSize)
      expect(tile(segmentsOfChunk(index, chunk), chunk * CHUNK_SIZE, chunkEnd)).toBe(true)
    }),
  )
})

test('whole chunks of a file are whole chunks of the stream', () => {
  fc.assert(
    fc.property(trees, (entries) => {
      const { index } = buildTree(entries)
      for (const entry of every(index)) {
        if (index.size(entry) < CHUNK_SIZE) continue
        const [body] = segmentsOfEntry(index, entry)
        expect(body!.streamOffset % CHUNK_SIZE).toBe(0)
        expect(body!.length % CHUNK_SIZE).toBe(0)
      }
    }),
  )
})

test('whole chunks come first, then tails and small files, then the trailer, without padding', () => {
  const { index } = buildTree([
    file('a', 10),
    file('b', 2 * CHUNK_SIZE + 7),
    folder('c'),
    file('c/d', CHUNK_SIZE),
    file('e', 20),
  ])
  const segments = [...segmentsOfRange(index, 0, index.streamSize)]
  const C = CHUNK_SIZE
  expect(
    segments.map(({ entry, offset, streamOffset, length }) => [entry, offset, streamOffset, length]),
  ).toEqual([
    [1, 0, 0, 2 * C],
    [3, 0, 2 * C, C],
    [0, 0, 3 * C, 10],
    [1, 2 * C, 3 * C + 10, 7],
    [4, 0, 3 * C + 17, 20],
    [null, 0, 3 * C + 37, index.footer.manifest + FOOTER_SIZE],
  ])
})

test('equal contents are stored once, where the first of them is in the tree', () => {
  const sha256 = hashOf('same')
  const size = CHUNK_SIZE + 5
  const { index } = buildTree([
    folder('d'),
    file('d/x', size, { sha256 }),
    file('y', size, { sha256 }),
    file('z', 3),
  ])
  expect(index.footer.contents).toBe(size + 3)
  expect([1, 2, 3].map((entry) => index.owner(entry))).toEqual([1, 1, 3])
  expect(segmentsOfEntry(index, 2)).toEqual(segmentsOfEntry(index, 1))
})

test('a part of a tree needs only the chunks that its contents touch', () => {
  const C = CHUNK_SIZE
  const { index } = buildTree([
    folder('bin'),
    file('bin/tool', 2 * C + 1),
    folder('lib'),
    file('lib/a', 3 * C),
    file('lib/b', 100),
    file('z', C),
  ])
  const chunksOf = (path: string): number[] => {
    const chunks = chunksOfEntries(index, range(below(index, path)))
    return Array.from({ length: index.chunkCount }, (_, i) => i).filter((i) => chunks.has(i))
  }
  expect(chunksOf('bin/tool')).toEqual([0, 1, 6])
  expect(chunksOf('lib')).toEqual([2, 3, 4, 6])
  expect(chunksOf('z')).toEqual([5])
  expect(chunksOf('')).toEqual([0, 1, 2, 3, 4, 5, 6])
  expect(() => below(index, 'nothing')).toThrow('the snapshot has no "nothing"')
})

test('a range outside of the stream is refused', () => {
  const { index } = buildTree([file('a', 1)])
  expect(() => [...segmentsOfRange(index, -1, 1)]).toThrow(RangeError)
  expect(() => [...segmentsOfRange(index, 0, index.streamSize + 1)]).toThrow(RangeError)
})

test('a reader knows which chunks hold the footer and the manifest', () => {
  expect(footerChunks(FOOTER_SIZE)).toEqual({ first: 0, count: 1 })
  expect(footerChunks(CHUNK_SIZE + 1)).toEqual({ first: 0, count: 2 })
  expect(footerChunks(2 * CHUNK_SIZE)).toEqual({ first: 1, count: 1 })
  const { index } = buildTree([file('a', 3 * CHUNK_SIZE - 10)])
  expect(manifestChunks(index.footer)).toEqual({ first: 2, count: 2 })
  expect(() => footerChunks(FOOTER_SIZE - 1)).toThrow('too short')
})

test('packed chunks of two trees are the same only where they hold the same bytes', () => {
  const bytesOf = (index: TreeIndex, chunk: number): string[] =>
    [...segmentsOfChunk(index, chunk)].map(
      ({ entry, offset, length }) => `${index.sha256(entry!).toString('hex')} ${offset} ${length}`,
    )
  fc.assert(
    fc.property(trees, trees, (entries, others) => {
      const { index } = buildTree(entries)
      const { index: other } = buildTree(others)
      const end = Math.floor(index.contents.length / CHUNK_SIZE)
      for (let chunk = firstPackedChunk(index); chunk < end; chunk++) {
        expect(samePackedChunk(index, chunk, index)).toBe(chunk)
        const same = samePackedChunk(index, chunk, other)
        if (same !== null) expect(bytesOf(other, same)).toEqual(bytesOf(index, chunk))
      }
    }),
  )
})

test('a changed small file changes its chunk alone, even if whole chunks were added before it', () => {
  const half = CHUNK_SIZE / 2
  const small = (n: number, text: string) => file(`f${n}`, half, { sha256: hashOf(text) })
  const before = buildTree([0, 1, 2, 3, 4, 5].map((n) => small(n, `${n}`))).index
  const after = buildTree([
    file('a', 2 * CHUNK_SIZE),
    ...[0, 1, 2, 3, 4, 5].map((n) => small(n, n === 2 ? 'new' : `${n}`)),
  ]).index
  expect(firstPackedChunk(after)).toBe(2)
  expect([2, 3, 4].map((chunk) => samePackedChunk(after, chunk, before))).toEqual([0, null, 2])
})
