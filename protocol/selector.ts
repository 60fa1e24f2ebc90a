import { ShoalError } from './errors.ts'

/** Selects a version of a file: the newest, a number, the beginning of a file id, or a tag. */
export type Selector =
  | { kind: 'latest' }
  | { kind: 'version'; version: number }
  | { kind: 'content'; prefix: string }
  | { kind: 'tag'; tag: string }

/** A name that selects a version: NAME@SELECTOR, or NAME@SELECTOR/path/in/the/tree of a snapshot. */
export interface SelectedName {
  name: string
  selector: Selector
  /** Empty for the whole. */
  path: string
}

const VERSION = /^[1-9][0-9]{0,14}$/
const CONTENT = /^sha256:([0-9a-fA-F]{12,64})$/
const TAG = /^(?![0-9]+$)[a-z0-9][a-z0-9._-]{0,63}$/
const LATEST = 'latest'

export const isTag = (text: string): boolean => TAG.test(text) && text !== LATEST

/** Throws BAD_NAME. */
export function checkTag(text: string): string {
  if (isTag(text)) return text
  throw new ShoalError('BAD_NAME', `${JSON.stringify(text.slice(0, 100))} is not a tag`, {
    hint: `use 1 to 64 of a-z, 0-9, dots, dashes and underscores, a letter or digit first; not only digits, and not "${LATEST}"`,
  })
}

/** The selector behind an "@", or null if the text is none. */
export function parseSelector(text: string): Selector | null {
  if (text === LATEST) return { kind: 'latest' }
  if (VERSION.test(text)) return { kind: 'version', version: Number(text) }
  const prefix = CONTENT.exec(text)?.[1]
  if (prefix !== undefined) return { kind: 'content', prefix: prefix.toLowerCase() }
  return isTag(text) ? { kind: 'tag', tag: text } : null
}

/**
 * The ways to split NAME@SELECTOR, the one at the last "@" first. Names and paths may contain "@": a file of the whole
 * name wins, and then the first of these whose name is a file.
 */
export function* selectedNames(text: string): Generator<SelectedName> {
  for (let at = text.lastIndexOf('@'); at > 0; at = text.lastIndexOf('@', at - 1)) {
    const slash = text.indexOf('/', at)
    const selector = parseSelector(text.slice(at + 1, slash < 0 ? undefined : slash))
    const name = text.slice(0, at)
    if (selector && !name.endsWith('/'))
      yield { name, selector, path: slash < 0 ? '' : text.slice(slash + 1) }
  }
}

/** The split at the last "@" that a selector follows; null if there is none. */
export const parseSelectedName = (text: string): SelectedName | null =>
  selectedNames(text).next().value ?? null

/** The selector as users write it. */
export function selectorText(selector: Selector): string {
  switch (selector.kind) {
    case 'latest':
      return LATEST
    case 'version':
      return String(selector.version)
    case 'content':
      return `sha256:${selector.prefix}`
    case 'tag':
      return selector.tag
  }
}
