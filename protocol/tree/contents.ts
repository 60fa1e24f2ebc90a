import { CHUNK_SIZE, HASH_SIZE } from '../chunking.ts'
import { TreeError } from './errors.ts'

/** The columns of an index that say where contents lie. */
export interface ContentColumns {
  /** Sizes of all entries; 0 for all but files. */
  sizes: Float64Array
  /** Of a file with contents, the number of its hash in `hashes`. */
  payloads: Uint32Array
  /** SHA-256 of the files with contents, packed, in order; begins at a multiple of four bytes. */
  hashes: Buffer
}

export interface Contents {
  /** Of each file the first entry of the same content, which may be itself. */
  owners: Uint32Array
  /** Entries that own whole chunks, in order; and the chunk of the stream that each begins with. */
  bodies: Uint32Array
  bodyStarts: Uint32Array
  /** Entries that own a tail shorter than a chunk, in order; and the byte of the stream where each begins. */
  tails: Uint32Array
  tailStarts: Float64Array
  /** Place of an owner in `bodies` and `tails`. */
  bodyOf: Uint32Array
  tailOf: Uint32Array
  /** Bytes of the stream before the manifest. */
  length: number
}

/**
 * Real hashes never come near it: the table is half empty, and a run of 256 has a chance of 10^-15 in a million
 * entries. Crafted hashes would make it quadratic.
 */
const MAX_PROBES = 256
const WORDS = HASH_SIZE / 4
const NONE = 0xffffffff

/**
 * Lays the contents out: the whole chunks of all files in order, then the rest of each, one right behind the
 * other. Content that several files have is stored once, where the first of them is.
 */
export function layOut(columns: ContentColumns, pathOf: (entry: number) => string): Contents {
  const { sizes } = columns
  const owners = findOwners(columns, pathOf)
  let bodyCount = 0
  let tailCount = 0
  for (let i = 0; i < sizes.length; i++) {
    if (owners[i] !== i) continue
    if (sizes[i]! >= CHUNK_SIZE) bodyCount++
    if (sizes[i]! % CHUNK_SIZE > 0) tailCount++
  }
  const contents: Contents = {
    owners,
    bodies: new Uint32Array(bodyCount),
    bodyStarts: new Uint32Array(bodyCount),
    tails: new Uint32Array(tailCount),
    tailStarts: new Float64Array(tailCount),
    bodyOf: new Uint32Array(sizes.length),
    tailOf: new Uint32Array(sizes.length),
    length: 0,
  }
  let chunk = 0
  let body = 0
  for (let i = 0; i < sizes.length; i++) {
    if (owners[i] !== i || sizes[i]! < CHUNK_SIZE) continue
    contents.bodies[body] = i
    contents.bodyStarts[body] = chunk
    contents.bodyOf[i] = body++
    chunk += Math.floor(sizes[i]! / CHUNK_SIZE)
  }
  let offset = chunk * CHUNK_SIZE
  let tail = 0
  for (let i = 0; i < sizes.length; i++) {
    if (owners[i] !== i || sizes[i]! % CHUNK_SIZE === 0) continue
    contents.tails[tail] = i
    contents.tailStarts[tail] = offset
    contents.tailOf[i] = tail++
    offset += sizes[i]! % CHUNK_SIZE
  }
  contents.length = offset
  return contents
}

/** Finds equal contents by a hash table of entry numbers with linear probing. */
function findOwners(columns: ContentColumns, pathOf: (entry: number) => string): Uint32Array {
  const { sizes, payloads, hashes } = columns
  const words = new Uint32Array(hashes.buffer, hashes.byteOffset, hashes.length / 4)
  const owners = new Uint32Array(sizes.length)
  const slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(2, (hashes.length / HASH_SIZE) * 2))))
  slots.fill(NONE)
  for (let i = 0; i < sizes.length; i++) {
    owners[i] = i
    if (sizes[i] === 0) continue
    const word = payloads[i]! * WORDS
    let slot = words[word]! & (slots.length - 1)
    for (let probes = 0; slots[slot] !== NONE; probes++) {
      const other = slots[slot]!
      if (areEqual(words, word, payloads[other]! * WORDS)) {
        if (sizes[other] !== sizes[i])
          throw new TreeError(
            'hash',
            `it has the SHA-256 of ${JSON.stringify(pathOf(other))} and another size`,
            pathOf(i),
          )
        owners[i] = other
        break
      }
      if (probes === MAX_PROBES)
        throw new TreeError('hash', 'its SHA-256 and those of many other files begin alike', pathOf(i))
      slot = (slot + 1) & (slots.length - 1)
    }
    if (owners[i] === i) slots[slot] = i
  }
  return owners
}

/** Whether the hashes at two places of `words` are equal. A call of Buffer.compare takes ten times as long. */
function areEqual(words: Uint32Array, a: number, b: number): boolean {
  for (let i = 0; i < WORDS; i++) if (words[a + i] !== words[b + i]) return false
  return true
}
