import type { Bitmap } from '../../protocol/bitmap.ts'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { chunksOfEntries, segmentsOfChunk } from '../../protocol/tree/layout.ts'
import { below, type EntryRange } from '../../protocol/tree/listing.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import type { FileCopy } from './copies.ts'
import { type Placed, WORKING_FILE } from './place.ts'
import type { WritePart } from './write-tree.ts'

/** A range of entries, as `below` of protocol/tree/listing.ts returns it. The whole tree is [0, count). */
export interface Selection extends EntryRange {
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

/** The entries of a selection, in order. The selected folder itself is the target, so it is not among them. */
export function entriesIn(index: TreeIndex, { first, end, path }: Selection): number[] {
  const isTarget = path !== '' && index.isFolder(first) && index.path(first) === path
  const from = isTarget ? first + 1 : first
  return Array.from({ length: end - from }, (_, i) => from + i)
}

/** A wanted file, and the entry that owns its bytes in the stream. */
export interface Carrier {
  owner: number
  path: string
  /** With the bits that writing it takes. */
  mode: number
}

/**
 * The chunks to fetch and the entries to make for a download of a tree or a part of it. Files that are already there
 * are not wanted. One of several files with the same content gets the bytes; the others are copied from it.
 */
export class TreePlan {
  readonly index: TreeIndex
  readonly selection: Selection
  /** Chunks that hold bytes of wanted files. */
  readonly chunks: Bitmap
  /** Copies to make when all bytes are here. */
  readonly copies: FileCopy[] = []
  /** The entry that gets the bytes of a content, by the content's owner in the stream. */
  readonly #carriers = new Map<number, number>()
  /** An entry already there that has a content, by the content's owner in the stream. */
  readonly #present = new Map<number, number>()

  /** `isWanted` decides for each file of the selection whether to fetch it. */
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

  /** The empty wanted files. No chunk contains them. */
  *emptyFiles(): Generator<{ path: string; mode: number }> {
    for (const entry of this.#carriers.values())
      if (this.index.size(entry) === 0) yield { path: this.pathOf(entry), mode: this.#modeOf(entry) }
  }

  /** The paths of all wanted files. */
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

  /** The file that holds the bytes of an entry: a new one, or one already there. Null if there is none. */
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

  /** The entries of the selection, with paths relative to its target. */
  *entries(): Generator<Placed> {
    const { index, selection } = this
    for (const entry of entriesIn(index, selection)) {
      const kind = index.kind(entry)
      yield {
        path: this.pathOf(entry),
        kind,
        mode: index.mode(entry),
        mtimeNs: index.mtimeNs(entry),
        target: kind === 'link' ? index.target(entry) : '',
      }
    }
  }

  /** The path of an entry, relative to the target. */
  pathOf(entry: number): string {
    return pathInSelection(this.index, this.selection, entry)
  }

  /** The mode of an entry, with the bits that writing needs. */
  #modeOf(entry: number): number {
    return this.index.mode(entry) | WORKING_FILE
  }
}

/** The path of an entry relative to the target folder. A single file or link goes into it by the selection's name. */
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
