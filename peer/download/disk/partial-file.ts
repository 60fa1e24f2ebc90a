import type { Bitmap } from '../../../protocol/bitmap.ts'
import { HaveFeed } from '../../serve/have-feed.ts'
import type { FileReader, ServedFile } from '../../serve/library.ts'
import type { PartFile } from './part-file.ts'

/** A download under way, served to others chunk by chunk as it is verified. */
export class PartialFile implements ServedFile {
  readonly fileId: string
  readonly size: number
  readonly groups: ReadonlySet<string>
  readonly have: Bitmap
  readonly #hashes: () => Uint8Array
  readonly #part: PartFile
  readonly #feed = new HaveFeed()

  constructor(
    file: { group: string; fileId: string; size: number },
    have: Bitmap,
    hashes: () => Uint8Array,
    part: PartFile,
  ) {
    this.fileId = file.fileId
    this.size = file.size
    this.groups = new Set([file.group])
    this.have = have
    this.#hashes = hashes
    this.#part = part
  }

  hashes(): Uint8Array {
    return this.#hashes()
  }

  async open(): Promise<FileReader> {
    return this.#part.openReader()
  }

  watch(listener: (records: Uint8Array) => void): () => void {
    return this.#feed.watch(listener)
  }

  /** Tells followers that a chunk came in, or (`pending`) is being fetched from a seed. */
  tell(chunk: number, pending: boolean): void {
    this.#feed.tell(chunk, pending)
  }
}
