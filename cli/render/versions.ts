import type { FileRecord, TagChange, TagRecord } from '../../protocol/records.ts'
import type { ListedVersion } from '../../tracker-client/api/version-schemas.ts'
import { formatBytes, table } from '../text/format.ts'

/** Renders versions and tags for scripts and for people. */
export type Kind = 'file' | 'snapshot'

/** A file or version with its kind, and of a snapshot the number of entries. */
export function withKind<T extends Pick<FileRecord, 'tree'>>(
  file: T,
): T & { kind: Kind; entries: number | null } {
  return { ...file, kind: file.tree ? 'snapshot' : 'file', entries: file.tree?.entries ?? null }
}

/** The headers of `kindCells`. */
export const KIND_COLUMNS = ['KIND', 'ENTRIES', 'SIZE']

/** The kind of a file, of a snapshot how many entries it has, and the size. */
export function kindCells(file: Pick<FileRecord, 'tree' | 'size'>): string[] {
  const { kind, entries, size } = withKind(file)
  return [kind, entriesText(entries), formatBytes(size)]
}

/** A number of entries; "-" where there is none. */
export const entriesText = (entries: number | null | undefined): string =>
  entries === null || entries === undefined ? '-' : String(entries)

export function versionsText(versions: readonly ListedVersion[]): string {
  const rows = versions.map((file) => [
    `v${file.version}`,
    ...kindCells(file),
    file.tags?.join(', ') || '-',
    file.uploader,
    file.added,
    `sha256:${file.fileId.slice(0, 12)}`,
  ])
  return table(['VERSION', ...KIND_COLUMNS, 'TAGS', 'UPLOADER', 'ADDED', 'ID'], rows)
}

export function tagsText(name: string, tags: readonly TagRecord[]): string {
  if (tags.length === 0) return `${name} has no tags`
  const rows = tags.map(({ tag, version, by, at }) => [tag, `v${version}`, by, at])
  return table(['TAG', 'VERSION', 'BY', 'SINCE'], rows)
}

export function tagHistoryText(name: string, changes: readonly TagChange[]): string {
  if (changes.length === 0) return `${name} has never had a tag`
  const version = (number: number | null): string => (number === null ? '-' : `v${number}`)
  const rows = changes.map(({ tag, from, to, by, at }) => [tag, version(from), version(to), by, at])
  return table(['TAG', 'FROM', 'TO', 'BY', 'AT'], rows)
}
