import type { Catalog, CatalogEntry } from '../catalog.ts'
import type { Library } from './library.ts'
import { isUnchanged, SeededFile } from './seeded-file.ts'

const CHECKED_AT_ONCE = 500
const CHANGED = 'changed or removed since it was shared: upload it again to share the new version'

/** Keeps the library's complete files in step with the catalog, and drops those that changed on disk. */
export class Seeds {
  readonly #catalog: Catalog
  readonly #library: Library
  readonly #warn: (message: string) => void
  #next = 0

  constructor(catalog: Catalog, library: Library, warn: (message: string) => void) {
    this.#catalog = catalog
    this.#library = library
    this.#warn = warn
  }

  /** Serves all that the catalog holds. */
  async load(): Promise<void> {
    for (const { fileId, size, fault } of this.#catalog.all()) if (fault === null) this.add(fileId, size)
    await this.check()
  }

  add(fileId: string, size: number): void {
    this.#library.set(new SeededFile(this.#catalog, fileId, size, (entry) => this.#drop(entry)))
  }

  /** Looks at the next few hundred files; called now and then, it gets round to all of them. */
  async check(): Promise<void> {
    const entries = this.#catalog.all().filter(({ fault }) => fault === null)
    if (this.#next >= entries.length) this.#next = 0
    const some = entries.slice(this.#next, this.#next + CHECKED_AT_ONCE)
    this.#next += CHECKED_AT_ONCE
    await Promise.all(
      some.map(async (entry) => {
        if (!(await isUnchanged(entry))) this.#drop(entry)
      }),
    )
  }

  #drop(entry: CatalogEntry): void {
    this.#catalog.setFault(entry.path, CHANGED)
    this.#warn(`${entry.group}:${entry.name} is served no longer: ${entry.path} was ${CHANGED}`)
    const file = this.#library.get(entry.fileId)
    if (file instanceof SeededFile && file.groups.size === 0) this.#library.delete(file)
    else this.#library.changed()
  }
}
