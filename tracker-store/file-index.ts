import { isBelow } from '../protocol/names.ts'
import type { FileRecord } from '../protocol/records.ts'
import type { FileIndex } from './group-view.ts'
import { SortedMap } from './sorted-map.ts'

/** The files of a group by name, and how many names each content has. Immutable. */
export class SortedFiles implements FileIndex {
  static readonly empty = SortedFiles.from([])
  readonly #byName: SortedMap<FileRecord>
  readonly #contents: SortedMap<number>

  private constructor(byName: SortedMap<FileRecord>, contents: SortedMap<number>) {
    this.#byName = byName
    this.#contents = contents
  }

  static from(files: Iterable<FileRecord>): SortedFiles {
    const byName = new Map<string, FileRecord>()
    for (const file of files) byName.set(file.name, file)
    const contents = new Map<string, number>()
    for (const { fileId } of byName.values()) contents.set(fileId, (contents.get(fileId) ?? 0) + 1)
    return new SortedFiles(SortedMap.from(byName), SortedMap.from(contents))
  }

  get size(): number {
    return this.#byName.size
  }

  get(name: string): FileRecord | undefined {
    return this.#byName.get(name)
  }

  hasContent(fileId: string): boolean {
    return this.#contents.get(fileId) !== undefined
  }

  with(file: FileRecord): SortedFiles {
    const before = this.without(file.name)
    const names = before.#contents.get(file.fileId) ?? 0
    return new SortedFiles(
      before.#byName.with(file.name, file),
      before.#contents.with(file.fileId, names + 1),
    )
  }

  without(name: string): SortedFiles {
    const file = this.#byName.get(name)
    if (file === undefined) return this
    const names = (this.#contents.get(file.fileId) ?? 1) - 1
    const contents = names > 0 ? this.#contents.with(file.fileId, names) : this.#contents.without(file.fileId)
    return new SortedFiles(this.#byName.without(name), contents)
  }

  page(prefix: string, after: string, limit: number): FileRecord[] {
    const page: FileRecord[] = []
    const itself = prefix === '' ? undefined : this.#byName.get(prefix)
    if (itself !== undefined && prefix > after && limit > 0) page.push(itself)
    // Names such as "a-b" sort between "a" and "a/b", so what lies below a folder is a range of its own.
    const folder = prefix === '' ? '' : `${prefix}/`
    for (const [name, file] of this.#byName.from(after > folder ? after : folder)) {
      if (page.length >= limit || !isBelow(name, prefix)) break
      if (name > after) page.push(file)
    }
    return page
  }
}
