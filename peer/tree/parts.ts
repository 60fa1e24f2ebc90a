import { segmentsOfRange } from '../../protocol/tree/layout.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import type { FilePart } from './contents.ts'

/** Bytes of a stream: those of files, and behind them those of the trailer. */
export interface StreamParts {
  files: FilePart[]
  /** Offset and length in the trailer. */
  trailer: { offset: number; length: number }
}

/** The parts of files and trailer that make up the bytes [start, end) of a stream. File states are those of the tree. */
export function partsOf(index: TreeIndex, start: number, end: number): StreamParts {
  const parts: StreamParts = { files: [], trailer: { offset: 0, length: 0 } }
  for (const { entry, offset, length } of segmentsOfRange(index, start, end)) {
    if (entry === null) parts.trailer = { offset, length }
    else parts.files.push({ ...stateOf(index, entry), offset, length })
  }
  return parts
}

export const stateOf = (
  index: TreeIndex,
  entry: number,
): { path: string; size: number; mtimeNs: bigint } => ({
  path: index.path(entry),
  size: index.size(entry),
  mtimeNs: index.mtimeNs(entry),
})
