/** Files are cut into fixed chunks of 512 KiB. The last chunk may be shorter; an empty file has none. */
export const CHUNK_SIZE = 512 * 1024
export const HASH_SIZE = 32
/** The longest extent (the unit of one request): 16 MiB. */
export const MAX_EXTENT_CHUNKS = 32
/** The largest size that a manifest may claim: 1 PiB. JavaScript numbers stay exact far beyond it. */
export const MAX_FILE_SIZE = 2 ** 50

export interface Extent {
  /** Index of the first chunk. */
  first: number
  /** Number of chunks, 1 to MAX_EXTENT_CHUNKS. */
  count: number
}

export function chunkCount(size: number, chunkSize: number = CHUNK_SIZE): number {
  return Math.ceil(size / chunkSize)
}

/** Length in bytes of chunk `index` of a file of `size` bytes. */
export function chunkLength(size: number, index: number, chunkSize: number = CHUNK_SIZE): number {
  return Math.min(chunkSize, size - index * chunkSize)
}

/** Byte range [start, end) that `extent` covers in a file of `size` bytes. */
export function extentBytes(size: number, extent: Extent, chunkSize: number = CHUNK_SIZE): [number, number] {
  const start = extent.first * chunkSize
  return [start, Math.min(size, start + extent.count * chunkSize)]
}
