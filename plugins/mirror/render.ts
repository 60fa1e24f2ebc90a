import { formatBytes, type TreeChanges, type UploadResult } from '@shoal/plugin'
import type { MirrorSummary } from './mirror.ts'

const count = (n: number): string => `${n} ${n === 1 ? 'file' : 'files'}`

export function summaryText(summary: MirrorSummary): string {
  const { group, folder, snapshot, files, deleted, failed, plan } = summary
  const at = snapshot ? `version ${snapshot.version} of ${group}:${snapshot.name}` : group
  if (plan) {
    const than = snapshot ? ` for ${at}` : ''
    return `A dry run${than}: ${count(plan.fetch.length)} to fetch, ${count(plan.delete.length)} to delete; nothing was changed`
  }
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  const fetched = snapshot
    ? formatBytes(files.reduce((sum, { bytesFetched }) => sum + bytesFetched, 0))
    : `${count(files.length)}`
  const parts = [
    snapshot
      ? `${folder} is at ${at}: ${fetched} fetched`
      : `${folder} follows ${group}: ${fetched} fetched (${formatBytes(bytes)})`,
  ]
  if (deleted.length > 0) parts.push(`${count(deleted.length)} deleted`)
  if (failed.length > 0) parts.push(`${count(failed.length)} missing`)
  return parts.join(', ')
}

/** Most paths that a line lists. */
const MAX_LISTED = 5

export const hasChanged = ({ written, retimed, deleted }: TreeChanges): boolean =>
  written.length + retimed.length + deleted.length > 0

/** One line for a folder that was made equal to a version of a snapshot. */
export function changesText(
  folder: string,
  { name, version }: { name: string; version: number },
  { written, retimed, deleted, kept }: TreeChanges,
): string {
  const parts = [
    ...(written.length > 0 ? [`${count(written.length)} written`] : []),
    ...(retimed.length > 0 ? [`time or mode of ${count(retimed.length)} set`] : []),
    ...(deleted.length > 0 ? [`${deleted.length} deleted`] : []),
  ]
  const changed = parts.length > 0 ? parts.join(', ') : 'nothing had changed'
  const listed = kept.slice(0, MAX_LISTED).join(', ') + (kept.length > MAX_LISTED ? ', …' : '')
  const left = kept.length > 0 ? `; ${kept.length} left that it does not have: ${listed}` : ''
  return `${folder} is at version ${version} of ${name}: ${changed}${left}`
}

/** `team:app, version 2 (12 files, 3.4 MiB)`. */
const versionText = (group: string, { name, version, tree, size }: UploadResult['files'][number]): string =>
  `${group}:${name}, version ${version} (${tree ? `${count(tree.files)}, ${formatBytes(tree.bytes)}` : formatBytes(size)})`

export const publishedLine = (group: string, file: UploadResult['files'][number]): string =>
  file.isUnchanged ? `unchanged: ${versionText(group, file)}` : `published ${versionText(group, file)}`

/** One line for each path that would be published, and one for the version. */
export function plannedLines(group: string, file: UploadResult['files'][number]): string[] {
  const { added = [], changed = [], removed = [] } = file.changes ?? {}
  return [
    ...added.map((path) => `would add ${path}`),
    ...changed.map((path) => `would change ${path}`),
    ...removed.map((path) => `would remove ${path}`),
    file.isUnchanged
      ? `nothing would be published: ${versionText(group, file)} is this folder`
      : `would publish ${versionText(group, file)}`,
  ]
}

export function snapshotsText(group: string, files: UploadResult['files']): string {
  const last = files.at(-1)
  if (!last) return `Published nothing in ${group}`
  const versions = files.length === 1 ? '' : `, ${files.length} versions in all`
  return `Published ${versionText(group, last)}${versions}`
}

export function publishedText(group: string, files: UploadResult['files']): string {
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  return `Published ${count(files.length)} in ${group} (${formatBytes(bytes)})`
}
