import { decodeFooter, FOOTER_SIZE } from '../../protocol/tree/footer.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import { readTree } from '../../protocol/tree/tree-reader.ts'

/** The tree that manifest and footer describe; `size` is that of the stream. Throws TreeError. */
export function readTrailer(trailer: Buffer, size: number): TreeIndex {
  const footer = decodeFooter(trailer.subarray(-FOOTER_SIZE), size)
  return readTree([trailer.subarray(0, -FOOTER_SIZE)], footer)
}
