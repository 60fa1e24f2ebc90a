import { lstat } from 'node:fs/promises'
import type { TreeCopies } from '../tree/tree-copy.ts'
import type { Catalog, CatalogEntry, DownloadedPart } from './catalog.ts'
import type { Library } from './library.ts'
import { isUnchanged, SeededFile } from './seeded-file.ts'

const CHECKED_AT_ONCE = 500
const CHANGED = 'changed or removed since it was shared: upload it again to share the new version'

/** Keeps the catalog and the library's complete files in step, and drops files that changed on disk. */
export class Seeds {
  readonly #catalog: Catalog
  readonly #library: Library
  readonly #trees: TreeCopies
  readonly #warn: (message: string) => void
  #next = 0

  constructor(catalog: Catalog, library: Library, trees: TreeCopies, warn: (message: string) => void) {
    this.#catalog = catalog
    this.#library = library
    this.#trees = trees
    this.#warn = warn
  }

  /** Serves all files of the catalog, and removes manifests that nothing needs any more. */
  async load(): Promise<void> {
    for (const entry of this.#catalog.all()) if (entry.fault === null) this.#serve(entry)
    await this.check()
    for (const { path } of this.#catalog.parts())
      if (!(await lstat(path).catch(() => null))) this.#catalog.removePart(path)
    await this.#trees.store.sweep((fileId) => this.#catalog.holds(fileId))
  }

  /** Records a complete file and serves it. Earlier content of its path is no longer served. */
  async add(entry: CatalogEntry, hashes: Uint8Array): Promise<void> {
    const before = this.#catalog.byPath(entry.path)
    const part = this.#catalog.partAt(entry.path)
    await this.#catalog.put(entry, hashes)
    for (const old of before) if (old.fileId !== entry.fileId) this.#forget(old)
    if (part) this.#dropManifest(part)
    this.#serve(entry)
  }

  /** Records the place of a part of a snapshot. It is not served. */
  addPart(part: DownloadedPart): void {
    const before = this.#catalog.partAt(part.path)
    this.#catalog.putPart(part)
    if (before) this.#dropManifest(before)
  }

  /** Stops serving a copy, and records why. */
  drop(entry: CatalogEntry, fault: string): void {
    this.#catalog.setFault(entry, fault)
    this.#warn(`${entry.group}:${entry.name} is no longer served: ${entry.path} is ${fault}`)
    this.#unserve(entry)
  }

  /** Forgets a file that its group no longer has; the copy on disk stays. */
  forget(group: string, name: string, fileId: string): void {
    for (const entry of this.#catalog.byName(group, name)) if (entry.fileId === fileId) this.#forget(entry)
    for (const part of this.#catalog.parts())
      if (part.group === group && part.name === name && part.fileId === fileId) this.#forgetPart(part)
  }

  #forget(entry: CatalogEntry): void {
    this.#catalog.remove(entry)
    this.#unserve(entry)
    if (entry.isTree) this.#dropManifest(entry)
  }

  #forgetPart(part: DownloadedPart): void {
    this.#catalog.removePart(part.path)
    this.#dropManifest(part)
  }

  #dropManifest({ fileId }: { fileId: string }): void {
    if (!this.#catalog.holds(fileId)) this.#trees.store.drop(fileId)
  }

  /** Checks the next few hundred files for changes, so that repeated calls cover all of them. */
  async check(): Promise<void> {
    const entries = this.#catalog.all().filter(({ fault }) => fault === null)
    if (this.#next >= entries.length) this.#next = 0
    const some = entries.slice(this.#next, this.#next + CHECKED_AT_ONCE)
    this.#next += CHECKED_AT_ONCE
    await Promise.all(
      some.map(async (entry) => {
        if (!(await isUnchanged(entry, this.#trees))) this.drop(entry, CHANGED)
      }),
    )
  }

  #serve(entry: CatalogEntry): void {
    const file = this.#library.get(entry.fileId)
    if (file instanceof SeededFile) {
      file.addCopy(entry)
      this.#library.changed()
      return
    }
    const hashes = (): Uint8Array => this.#catalog.hashes(entry.fileId) ?? new Uint8Array(0)
    this.#library.set(new SeededFile(entry, hashes, this.#trees, (copy) => this.drop(copy, CHANGED)))
  }

  #unserve(entry: CatalogEntry): void {
    const file = this.#library.get(entry.fileId)
    if (!(file instanceof SeededFile)) return
    file.removeCopy(entry)
    if (file.groups.size === 0) this.#library.delete(file)
    else this.#library.changed()
  }
}
