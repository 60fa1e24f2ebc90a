import { readFileSync } from 'node:fs'
import ignore, { type Ignore as Rules } from 'ignore'

/** Rules of a folder, for paths relative to it. */
interface Level {
  folder: string
  rules: Rules
}

/**
 * Decides which entries of a folder to leave out, by the rules of .gitignore. The command line's rules come first, then
 * those of the nearest .shoalignore that has a matching rule.
 */
export class Ignore {
  readonly #levels: readonly Level[]

  /** `include` overrides `exclude` and .shoalignore, except inside folders that are left out. */
  constructor(exclude: readonly string[], include: readonly string[], levels?: readonly Level[]) {
    this.#levels = levels ?? [
      { folder: '', rules: ignore().add([...exclude, ...include.map((pattern) => `!${pattern}`)]) },
    ]
  }

  /** These rules and those of `file`, which is in `folder`. */
  below(folder: string, file: string): Ignore {
    const [commandLine, ...others] = this.#levels
    const level = { folder, rules: ignore().add(readFileSync(file, 'utf8')) }
    return new Ignore([], [], [commandLine!, level, ...others])
  }

  leavesOut(path: string, isFolder: boolean): boolean {
    for (const { folder, rules } of this.#levels) {
      const relative = folder === '' ? path : path.slice(folder.length + 1)
      const { ignored, unignored } = rules.test(isFolder ? `${relative}/` : relative)
      if (ignored || unignored) return ignored
    }
    return false
  }
}
