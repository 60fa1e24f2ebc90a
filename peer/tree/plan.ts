import type { Bitmap } from '../../protocol/bitmap.ts'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { chunksOfEntries, segmentsOfChunk } from '../../protocol/tree/layout.ts'
import { below } from '../../protocol/tree/listing.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import type { FileCopy } from './copies.ts'
import { type Placed, WORKING_FILE } from './place.ts'
import type { WritePart } from './write-tree.ts'

/** A range of entries, as `below` of protocol/tree/listing.ts gives it; the whole tree is [0, count). */
export interface Selection {
  first: number
  end: number
  /** The path of the selected folder or file; '' for the whole tree. */
  path: string
  /** The name that a single selected file or link gets. */
  name?: string
}

/** Selects the folder or file `part`; '' for the whole tree. Throws FILE_NOT_FOUND. */
export function selectPart(index: TreeIndex, part: string): Selection {
  if (part === '') return { first: 0, end: index.count, path: '' }
  const { first, end } = below(index, part)
  // The path may have another Unicode form than the part that was asked for.
  return { first, end, path: index.path(first) }
}

/** Whether one file or link is selected, and no folder. */
export const isSingle = (index: TreeIndex, { first, end, path }: Selection): boolean =>
  end - first === 1 && index.path(first) === path && !index.isFolder(first)

/** A wanted file, and the entry that owns its bytes in the stream. */
export interface Carrier {
  owner: number
  path: string
  /** With the bits that writing it takes. */
  mode: number
}

/**
 * What a download of a tree, or of a part of it, has to fetch and to make. Files that are there already are not wanted.
 * Of files with the same content one gets the bytes, and the others are copied from it.
 */
export class TreePlan {
  readonly index: TreeIndex
  readonly selection: Selection
  /** Chunks that hold bytes of wanted files. */
  readonly chunks: Bitmap
  /** Copies to make when all bytes are here: paths. */
  readonly copies: FileCopy[] = []
  /** Of each content the entry that gets the bytes, by the entry that owns it in the stream. */
  readonly #carriers = new Map<number, number>()
  /** Of each content an entry that is there already, by the entry that owns it in the stream. */
  readonly #present = new Map<number, number>()

  /** `isWanted` says of each file of the selection whether it has to come. */
  constructor(index: TreeIndex, selection: Selection, isWanted: (entry: number) => boolean) {
    this.index = index
    this.selection = selection
    const carriers: number[] = []
    for (let entry = selection.first; entry < selection.end; entry++) {
      if (index.kind(entry) !== 'file') continue
      if (!isWanted(entry)) {
        this.#present.set(index.owner(entry), entry)
        continue
      }
      const carrier = index.size(entry) === 0 ? undefined : this.#carriers.get(index.owner(entry))
      if (carrier !== undefined)
        this.copies.push({ from: this.pathOf(carrier), to: this.pathOf(entry), mode: this.#modeOf(entry) })
      else {
        this.#carriers.set(index.size(entry) === 0 ? entry : index.owner(entry), entry)
        carriers.push(entry)
      }
    }
    this.chunks = chunksOfEntries(index, carriers)
  }

  /** Wanted files without contents: they are in no chunk. */
  *emptyFiles(): Generator<{ path: string; mode: number }> {
    for (const entry of this.#carriers.values())
      if (this.index.size(entry) === 0) yield { path: this.pathOf(entry), mode: this.#modeOf(entry) }
  }

  /** Wanted files by path. */
  *files(): Generator<string> {
    for (const entry of this.#carriers.values()) yield this.pathOf(entry)
    for (const { to } of this.copies) yield to
  }

  /** Wanted files with contents: of those with the same one, the file that gets the bytes. */
  *carriers(): Generator<Carrier> {
    for (const [owner, entry] of this.#carriers)
      if (this.index.size(owner) > 0) yield { owner, path: this.pathOf(entry), mode: this.#modeOf(entry) }
  }

  partsOf(chunk: number): WritePart[] {
    const parts: WritePart[] = []
    for (const { entry, offset, streamOffset, length } of segmentsOfChunk(this.index, chunk)) {
      const carrier = entry === null ? undefined : this.#carriers.get(entry)
      if (carrier === undefined) continue
      const at = streamOffset - chunk * CHUNK_SIZE
      parts.push({ path: this.pathOf(carrier), mode: this.#modeOf(carrier), offset, at, length })
    }
    return parts
  }

  /** Where the bytes of an entry are: in a file that is being made, in one that is there, or nowhere. */
  placeOf(owner: number): { isNew: boolean; path: string } | null {
    const carrier = this.#carriers.get(owner)
    if (carrier !== undefined) return { isNew: true, path: this.pathOf(carrier) }
    const present = this.#present.get(owner)
    return present === undefined ? null : { isNew: false, path: this.pathOf(present) }
  }

  /** Bytes of the wanted chunks. */
  get bytes(): number {
    return bytesOf(this.chunks, this.index.streamSize)
  }

  /** What the selection is made of, with paths relative to where it goes; the selected folder itself is not among it. */
  *entries(): Generator<Placed> {
    const { index, selection } = this
    for (let entry = selection.first; entry < selection.end; entry++) {
      const kind = index.kind(entry)
      if (kind === 'folder' && index.path(entry) === selection.path) continue
      yield {
        path: this.pathOf(entry),
        kind,
        mode: index.mode(entry),
        mtimeNs: index.mtimeNs(entry),
        target: kind === 'link' ? index.target(entry) : '',
      }
    }
  }

  /** Where an entry goes. */
  pathOf(entry: number): string {
    return pathInSelection(this.index, this.selection, entry)
  }

  /** With the bits that writing it takes. */
  #modeOf(entry: number): number {
    return this.index.mode(entry) | WORKING_FILE
  }
}

/** The path of an entry relative to where the selection goes: a single file or link goes into a folder, by its name. */
export function pathInSelection(
  index: TreeIndex,
  { path: selected, name }: Selection,
  entry: number,
): string {
  const path = index.path(entry)
  if (selected === '') return path
  return path === selected ? (name ?? index.name(entry)) : path.slice(selected.length + 1)
}

/** Bytes of the chunks of a stream. */
export function bytesOf(chunks: Bitmap, streamSize: number): number {
  const last = chunks.size - 1
  const short = chunks.size > 0 && chunks.has(last) ? chunks.size * CHUNK_SIZE - streamSize : 0
  return chunks.count * CHUNK_SIZE - short
}
