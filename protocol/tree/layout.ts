import { Bitmap } from '../bitmap.ts'
import { CHUNK_SIZE } from '../chunking.ts'
import { chunksOf } from './footer.ts'
import type { TreeIndex } from './tree-index.ts'

/**
 * Where the bytes of a snapshot's stream belong:
 * whole chunks of all files ‖ their tails and the small files ‖ manifest ‖ footer (docs/protocol.md).
 */
export interface Segment {
  /** The entry that owns the bytes (`TreeIndex.owner`); null for the trailer, which is manifest ‖ footer. */
  entry: number | null
  /** Where the bytes begin in the file or the trailer. */
  offset: number
  /** Where they begin in the stream. */
  streamOffset: number
  length: number
}

/** The one or two segments that hold the content of an entry, in order; none of a folder, link or empty file. */
export function segmentsOfEntry(index: TreeIndex, entry: number): Segment[] {
  const { contents } = index
  const size = index.size(entry)
  const tail = size % CHUNK_SIZE
  const segments: Segment[] = []
  const owner = index.owner(entry)
  if (size > tail) {
    const streamOffset = contents.bodyStarts[contents.bodyOf[owner]!]! * CHUNK_SIZE
    segments.push({ entry: owner, offset: 0, streamOffset, length: size - tail })
  }
  if (tail > 0) {
    const streamOffset = contents.tailStarts[contents.tailOf[owner]!]!
    segments.push({ entry: owner, offset: size - tail, streamOffset, length: tail })
  }
  return segments
}

/** How many bytes of the content of an entry, from its beginning on, are before `position` of the stream. */
export function bytesBefore(index: TreeIndex, entry: number, position: number): number {
  let bytes = 0
  for (const { streamOffset, length } of segmentsOfEntry(index, entry)) {
    const held = Math.max(0, Math.min(length, position - streamOffset))
    bytes += held
    if (held < length) break
  }
  return bytes
}

/** The segments of the bytes [start, end) of the stream, in order and without a gap. Takes O(log n + segments). */
export function* segmentsOfRange(index: TreeIndex, start: number, end: number): Generator<Segment> {
  if (start < 0 || end > index.streamSize)
    throw new RangeError(`bytes ${start} to ${end} of ${index.streamSize}`)
  let at = start
  while (at < end) {
    const segment = segmentFrom(index, at)
    const length = Math.min(segment.length, end - at)
    yield { ...segment, length }
    at += length
  }
}

/** The segments that make up a chunk of the stream. */
export function segmentsOfChunk(index: TreeIndex, chunk: number): Generator<Segment> {
  const start = chunk * CHUNK_SIZE
  return segmentsOfRange(index, start, Math.min(start + CHUNK_SIZE, index.streamSize))
}

/** The segment that holds byte `at` of the stream, from there to its end. */
function segmentFrom(index: TreeIndex, at: number): Segment {
  const { contents, streamSize } = index
  const { bodies, bodyStarts, tails, tailStarts } = contents
  if (at >= contents.length)
    return { entry: null, offset: at - contents.length, streamOffset: at, length: streamSize - at }
  if (tails.length > 0 && at >= tailStarts[0]!) {
    const place = lastAtMost(tailStarts, at)
    const entry = tails[place]!
    const size = index.size(entry)
    const skipped = at - tailStarts[place]!
    const length = (size % CHUNK_SIZE) - skipped
    return { entry, offset: size - length, streamOffset: at, length }
  }
  const place = lastAtMost(bodyStarts, Math.floor(at / CHUNK_SIZE))
  const entry = bodies[place]!
  const offset = at - bodyStarts[place]! * CHUNK_SIZE
  const size = index.size(entry)
  return { entry, offset, streamOffset: at, length: size - (size % CHUNK_SIZE) - offset }
}

/** The last place in the ascending `values` that holds at most `value`; the first one does. */
function lastAtMost(values: Uint32Array | Float64Array, value: number): number {
  let low = 0
  let high = values.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (values[middle]! <= value) low = middle
    else high = middle
  }
  return low
}

/** The chunks that hold the contents of these entries. Those of the trailer are `manifestChunks`. */
export function chunksOfEntries(index: TreeIndex, entries: Iterable<number>): Bitmap {
  const chunks = new Bitmap(index.chunkCount)
  for (const entry of entries)
    for (const { streamOffset, length } of segmentsOfEntry(index, entry)) {
      const { first, count } = chunksOf(streamOffset, streamOffset + length)
      for (let chunk = first; chunk < first + count; chunk++) chunks.add(chunk)
    }
  return chunks
}

/** The first chunk behind the whole chunks of files: from here on tails and small files are packed. */
export function firstPackedChunk(index: TreeIndex): number {
  const { bodies, bodyStarts } = index.contents
  const last = bodies.length - 1
  return last < 0 ? 0 : bodyStarts[last]! + Math.floor(index.size(bodies[last]!) / CHUNK_SIZE)
}

/**
 * The chunk of another tree that holds the same bytes as the packed `chunk` of this one, if it lies as far behind the
 * first packed chunk there; else null. A tree in which files kept their sizes has its packed chunks in the same places.
 */
export function samePackedChunk(index: TreeIndex, chunk: number, other: TreeIndex): number | null {
  const same = chunk - firstPackedChunk(index) + firstPackedChunk(other)
  if ((same + 1) * CHUNK_SIZE > other.contents.length) return null
  const theirs = segmentsOfChunk(other, same)
  for (const { entry, offset, length } of segmentsOfChunk(index, chunk)) {
    const segment = theirs.next().value
    if (!segment || entry === null || segment.entry === null) return null
    if (segment.offset !== offset || segment.length !== length) return null
    if (!index.sha256(entry).equals(other.sha256(segment.entry))) return null
  }
  return same
}
