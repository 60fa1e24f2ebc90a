import { ShoalError } from '../../protocol/errors.ts'
import { segmentsOfEntry } from '../../protocol/tree/layout.ts'
import { find } from '../../protocol/tree/listing.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import type { ServedFile } from './library.ts'

/** Bytes that one URL stands for: those of a served file, or of a file in a snapshot whose stream is served. */
export interface Contents {
  size: number
  /** Differs for different bytes. */
  etag: string
  /** Where the bytes [start, end) are in the served file, in order and without a gap. */
  parts(start: number, end: number): Part[]
}

/** Bytes [start, end) of a served file. */
export interface Part {
  start: number
  end: number
}

export const wholeContents = ({ size, fileId }: ServedFile): Contents => ({
  size,
  etag: fileId,
  parts: (start, end) => [{ start, end }],
})

/**
 * The contents of the file at the path of a URL, percent-encoded UTF-8, in the tree of a snapshot; null for a stream
 * whose tree is not known here. Throws BAD_REQUEST, and FILE_NOT_FOUND where the tree has no such file.
 */
export function entryContents(index: TreeIndex | null, encoded: string): Contents {
  const path = decoded(encoded)
  if (index === null)
    throw new ShoalError('FILE_NOT_FOUND', 'this is not a snapshot, or its tree is not here')
  const entry = find(index, path)
  if (entry === null) throw new ShoalError('FILE_NOT_FOUND', `the snapshot has no ${JSON.stringify(path)}`)
  const kind = index.kind(entry)
  if (kind !== 'file')
    throw new ShoalError('FILE_NOT_FOUND', `${JSON.stringify(path)} is a ${kind}, not a file`)
  const segments = segmentsOfEntry(index, entry)
  return {
    size: index.size(entry),
    etag: index.sha256(entry).toString('hex'),
    parts: (start, end) =>
      segments
        .map(({ offset, streamOffset, length }) => ({
          start: streamOffset + Math.max(0, start - offset),
          end: streamOffset + Math.min(length, end - offset),
        }))
        .filter((part) => part.start < part.end),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new ShoalError('BAD_REQUEST', 'the path is not percent-encoded UTF-8')
  }
}
