import { CHUNK_SIZE, HASH_SIZE } from '../chunking.ts'
import { TreeError } from './errors.ts'

/** The columns of an index that say where contents lie. */
export interface ContentColumns {
  /** Sizes of all entries; 0 for all but files. */
  sizes: Float64Array
  /** Of a file with contents, the number of its hash in `hashes`. */
  payloads: Uint32Array
  /** SHA-256 of the files with contents, packed, in order. */
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

/** Longer runs do not occur with real hashes: the table is half empty. Crafted ones would make it quadratic. */
const MAX_PROBES = 512
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
  const owners = new Uint32Array(sizes.length)
  const count = hashes.length / HASH_SIZE
  const slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(2, count * 2)))).fill(NONE)
  for (let i = 0; i < sizes.length; i++) {
    owners[i] = i
    if (sizes[i] === 0) continue
    const at = payloads[i]! * HASH_SIZE
    let slot = hashes.readUInt32LE(at) & (slots.length - 1)
    for (let probes = 0; slots[slot] !== NONE; probes++) {
      const other = slots[slot]!
      const otherAt = payloads[other]! * HASH_SIZE
      if (hashes.compare(hashes, otherAt, otherAt + HASH_SIZE, at, at + HASH_SIZE) === 0) {
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
