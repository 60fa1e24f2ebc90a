import { ShoalError } from './errors.ts'
import { parseSelectedName } from './selector.ts'

/** User and group names: short, plain, and safe in a path, a URL and a Redis hash tag. */
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const MAX_FILE_NAME_BYTES = 1024
/** The longest part of a path that common file systems store. */
export const MAX_PART_BYTES = 255
export const DRIVE_LETTER = /^[A-Za-z]:/
/** Suffix of unfinished downloads. No file may have such a name, or it could collide with one in a folder. */
export const PART_SUFFIX = '.shoal-part'
export const JOURNAL_SUFFIX = `${PART_SUFFIX}.journal`
/**
 * Marks a folder in which a mirror may delete (plugins/mirror). No file may have such a name, or a group could mark the
 * folders of its members.
 */
export const MIRROR_MARKER = '.shoal-mirror.json'
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/
const BIDI_CONTROL = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

export function checkUserName(name: string): string {
  return checkPlainName(name, 'user')
}

export function checkGroupName(name: string): string {
  return checkPlainName(name, 'group')
}

export const isGroupName = (name: string): boolean => PLAIN_NAME.test(name)

function checkPlainName(name: string, what: string): string {
  if (PLAIN_NAME.test(name)) return name
  throw new ShoalError('BAD_NAME', `${JSON.stringify(name)} is not a ${what} name`, {
    hint: 'use 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first',
  })
}

/**
 * The single check of a file's name in its group: a relative path with slashes, in Unicode NFC. Returns the
 * name in NFC, or throws BAD_NAME. A name that passes is safe to join to an output folder on any system.
 */
export function checkFileName(name: string): string {
  const nfc = name.normalize('NFC')
  const fault = fileNameFault(nfc)
  if (fault === null) return nfc
  throw new ShoalError('BAD_NAME', `${JSON.stringify(name.slice(0, 100))} is not a file name: ${fault}`, {
    hint: 'a file name is a relative path such as models/v2/weights.bin',
  })
}

function fileNameFault(name: string): string | null {
  if (name === '') return 'it is empty'
  if (Buffer.byteLength(name) > MAX_FILE_NAME_BYTES) return `it is longer than ${MAX_FILE_NAME_BYTES} bytes`
  const fault = characterFault(name)
  if (fault !== null) return fault
  if (name.startsWith('/')) return 'it starts with a slash'
  if (DRIVE_LETTER.test(name)) return 'it starts with a drive letter'
  for (const part of name.split('/')) {
    const fault = partFault(part)
    if (fault !== null) return fault
  }
  return null
}

/** The first character that no path may have, as the end of a sentence about "it". */
export function characterFault(text: string): string | null {
  if (CONTROL.test(text)) return 'it has a control character'
  if (BIDI_CONTROL.test(text)) return 'it has a character that changes the direction of text'
  if (LONE_SURROGATE.test(text)) return 'it is not well-formed Unicode'
  if (text.includes('\\')) return 'it has a backslash'
  return null
}

/** Why `part` cannot be one part of a path, apart from its characters. */
export function partFault(part: string): string | null {
  if (part === '') return 'it has an empty part'
  if (part === '.' || part === '..') return `it has a part ${JSON.stringify(part)}`
  if (Buffer.byteLength(part) > MAX_PART_BYTES) return `it has a part longer than ${MAX_PART_BYTES} bytes`
  if (isWorkingName(part)) return 'it is what a download under way is called'
  if (isMirrorMarker(part)) return "it is what a mirrored folder's marker is called"
  return null
}

/** Ignores case, for file systems that do. */
export const isMirrorMarker = (part: string): boolean => part.toLowerCase() === MIRROR_MARKER

/** Whether an unfinished download uses this name. Ignores case, for file systems that do. */
export function isWorkingName(part: string): boolean {
  const lower = part.toLowerCase()
  return lower.endsWith(PART_SUFFIX) || lower.endsWith(JOURNAL_SUFFIX)
}

export interface Target {
  group: string
  /** The name of a file or folder; empty for the whole group. */
  name: string
}

/** Parses "GROUP:path/to/file", with a selector or not (selector.ts). A trailing slash marks a folder and is dropped. */
export function parseTarget(text: string): Target {
  const colon = text.indexOf(':')
  if (colon <= 0)
    throw new ShoalError('USAGE', `${JSON.stringify(text)} does not name a file`, {
      hint: 'write GROUP:NAME, for example team:models/weights.bin',
    })
  const group = checkGroupName(text.slice(0, colon))
  const name = text.slice(colon + 1).replace(/\/+$/, '')
  return { group, name: name === '' ? '' : checkTargetName(name) }
}

/** The limits of a file's name do not count its selector. */
function checkTargetName(name: string): string {
  const selected = parseSelectedName(name)
  if (!selected) return checkFileName(name)
  checkFileName(selected.path === '' ? selected.name : `${selected.name}/${selected.path}`)
  return name.normalize('NFC')
}

/** Whether `name` is the file `prefix` or is in the folder `prefix` ('' is the whole group). */
export function isBelow(name: string, prefix: string): boolean {
  return prefix === '' || name === prefix || name.startsWith(`${prefix}/`)
}
