import { isBelow } from '../../protocol/names.ts'
import type { FileRecord } from '../../protocol/records.ts'
import type { FileIndex } from './group-view.ts'
import { SortedMap } from './sorted-map.ts'

/** How many names have this content, and the record of one of them. */
interface Content {
  names: number
  file: FileRecord
}

/** The files of a group by name and by content. Immutable. */
export class SortedFiles implements FileIndex {
  static readonly empty = SortedFiles.from([])
  readonly #byName: SortedMap<FileRecord>
  readonly #contents: SortedMap<Content>

  private constructor(byName: SortedMap<FileRecord>, contents: SortedMap<Content>) {
    this.#byName = byName
    this.#contents = contents
  }

  static from(files: Iterable<FileRecord>): SortedFiles {
    const byName = new Map<string, FileRecord>()
    for (const file of files) byName.set(file.name, file)
    const contents = new Map<string, Content>()
    for (const file of byName.values()) {
      const names = contents.get(file.fileId)?.names ?? 0
      contents.set(file.fileId, { names: names + 1, file })
    }
    return new SortedFiles(SortedMap.from(byName), SortedMap.from(contents))
  }

  get size(): number {
    return this.#byName.size
  }

  get(name: string): FileRecord | undefined {
    return this.#byName.get(name)
  }

  hasContent(fileId: string): boolean {
    return this.ofContent(fileId) !== undefined
  }

  ofContent(fileId: string): FileRecord | undefined {
    return this.#contents.get(fileId)?.file
  }

  with(file: FileRecord): SortedFiles {
    const before = this.without(file.name)
    const names = before.#contents.get(file.fileId)?.names ?? 0
    return new SortedFiles(
      before.#byName.with(file.name, file),
      before.#contents.with(file.fileId, { names: names + 1, file }),
    )
  }

  without(name: string): SortedFiles {
    const file = this.#byName.get(name)
    if (file === undefined) return this
    const byName = this.#byName.without(name)
    const content = this.#contents.get(file.fileId)
    const other = content && content.names > 1 ? otherName(byName, content.file, name) : undefined
    const contents = other
      ? this.#contents.with(file.fileId, { names: content!.names - 1, file: other })
      : this.#contents.without(file.fileId)
    return new SortedFiles(byName, contents)
  }

  page(prefix: string, after: string, limit: number): FileRecord[] {
    const page: FileRecord[] = []
    const itself = prefix === '' ? undefined : this.#byName.get(prefix)
    if (itself !== undefined && prefix > after && limit > 0) page.push(itself)
    // "a-b" sorts between "a" and "a/b", so the files below a folder are a separate range.
    const folder = prefix === '' ? '' : `${prefix}/`
    for (const [name, file] of this.#byName.from(after > folder ? after : folder)) {
      if (page.length >= limit || !isBelow(name, prefix)) break
      if (name > after) page.push(file)
    }
    return page
  }
}

/** A record of the same content under a name other than `removed`. */
function otherName(byName: SortedMap<FileRecord>, file: FileRecord, removed: string): FileRecord | undefined {
  if (file.name !== removed) return file
  for (const [, each] of byName.from('')) if (each.fileId === file.fileId) return each
  return undefined
}
