import type { FileRecord } from '../../protocol/records.ts'
import { type Change, type ChangedProperty, diff } from '../../protocol/tree/diff.ts'
import { inside } from '../../protocol/tree/listing.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import { formatBytes } from '../text/format.ts'
import { documentParts, ended, tableLines } from '../text/parts.ts'
import { entryDocument, modeText, mtimeText, pathText } from './tree.ts'

/** A tree, or a folder or file of it, to compare. */
export interface Side {
  file: FileRecord
  path: string
  index: TreeIndex
}

export interface DiffSummary {
  added: number
  removed: number
  changed: number
  /** How many changed entries differ in each property. */
  properties: Record<ChangedProperty, number>
  /** Sizes of added and removed files; those with another content count as both. */
  bytesAdded: number
  bytesRemoved: number
}

/** Renders the differences of two trees, for scripts and for people. Each call of a method compares again. */
export class TreeDiff {
  readonly #before: Side
  readonly #after: Side
  readonly #ignoresTimes: boolean

  constructor(before: Side, after: Side, ignoresTimes: boolean) {
    this.#before = before
    this.#after = after
    this.#ignoresTimes = ignoresTimes
  }

  /** Throws FILE_NOT_FOUND where one side has no such path. */
  *changes(): Generator<Change> {
    const [a, b] = [this.#before, this.#after]
    for (const each of diff(a.index, b.index, inside(a.index, a.path), inside(b.index, b.path))) {
      if (each.change !== 'changed' || !this.#ignoresTimes) {
        yield each
        continue
      }
      const properties = each.properties.filter((property) => property !== 'mtime')
      if (properties.length > 0) yield { ...each, properties }
    }
  }

  summary(): DiffSummary {
    const summary: DiffSummary = {
      ...{ added: 0, removed: 0, changed: 0 },
      properties: { kind: 0, content: 0, mode: 0, mtime: 0, target: 0 },
      ...{ bytesAdded: 0, bytesRemoved: 0 },
    }
    for (const each of this.changes()) {
      summary[each.change]++
      if (each.change === 'changed') {
        for (const property of each.properties) summary.properties[property]++
        if (!each.properties.includes('content') && !each.properties.includes('kind')) continue
      }
      if (each.change !== 'added') summary.bytesRemoved += this.#before.index.size(each.before)
      if (each.change !== 'removed') summary.bytesAdded += this.#after.index.size(each.after)
    }
    return summary
  }

  /** The --json document; without the changes, only the summary. */
  document(withChanges: boolean): Iterable<string> {
    const side = ({ file: { name, version, fileId }, path }: Side): object => ({
      name,
      version,
      fileId,
      path,
    })
    const head = { before: side(this.#before), after: side(this.#after), summary: this.summary() }
    return withChanges ? documentParts(head, 'changes', this.#items()) : [`${JSON.stringify(head)}\n`]
  }

  text(withChanges: boolean): Iterable<string> {
    return ended(this.#lines(withChanges))
  }

  *#items(): Generator<object> {
    const before = (entry: number): object => entryDocument(this.#before.index, entry)
    const after = (entry: number): object => entryDocument(this.#after.index, entry)
    for (const each of this.changes()) {
      const { change } = each
      if (change === 'added') yield { change, after: after(each.after) }
      else if (change === 'removed') yield { change, before: before(each.before) }
      else
        yield { change, properties: each.properties, before: before(each.before), after: after(each.after) }
    }
  }

  *#lines(withChanges: boolean): Generator<string> {
    const summary = this.summary()
    const { added, removed, changed, properties, bytesAdded, bytesRemoved } = summary
    const from = `${this.#before.file.name} version ${this.#before.file.version}`
    const to = `${this.#after.file.name} version ${this.#after.file.version}`
    if (added + removed + changed === 0) return yield `${from} and ${to} have no differences`
    if (withChanges) yield* tableLines(['CHANGE', 'KIND', 'NAME', 'DETAILS'], () => this.#rows())
    const kinds = Object.entries(properties).filter(([, count]) => count > 0)
    const counts = kinds.map(([property, count]) => `${property} ${count}`)
    const details = counts.length > 0 ? ` (${counts.join(', ')})` : ''
    const bytes = `+${formatBytes(bytesAdded)} -${formatBytes(bytesRemoved)}`
    yield `${from} to ${to}: ${added} added, ${removed} removed, ${changed} changed${details}, ${bytes}`
  }

  *#rows(): Generator<string[]> {
    for (const each of this.changes()) {
      const [{ index }, entry] =
        each.change === 'removed' ? [this.#before, each.before] : [this.#after, each.after]
      const size = index.kind(entry) === 'file' ? formatBytes(index.size(entry)) : ''
      const details = each.change === 'changed' ? this.#details(each) : size
      yield [each.change, index.kind(entry), pathText(index, entry), details]
    }
  }

  #details({ before, after, properties }: Change & { change: 'changed' }): string {
    const [a, b] = [this.#before.index, this.#after.index]
    const values: Record<ChangedProperty, (index: TreeIndex, entry: number) => string> = {
      kind: (index, entry) => index.kind(entry),
      content: (index, entry) => formatBytes(index.size(entry)),
      mode: modeText,
      mtime: mtimeText,
      target: (index, entry) => index.target(entry),
    }
    const texts = properties.map((property) => {
      const [was, is] = [values[property](a, before), values[property](b, after)]
      return was === is ? property : `${property} ${was} to ${is}`
    })
    return texts.join(', ')
  }
}
