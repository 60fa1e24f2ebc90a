import type { GroupBody, GroupList, ListedFile } from '../../tracker-client/api/schemas.ts'
import { plural, table } from '../text/format.ts'
import { KIND_COLUMNS, kindCells } from './versions.ts'

/** Renders groups and their files for scripts and for people. */
export function groupDocument(group: GroupBody): object {
  const { owner, role, members, files, revision } = group
  return { group: group.group, owner, role, members, files, revision }
}

export function groupText(group: GroupBody): string {
  const counts = `${plural(group.members.length, 'member')}, ${plural(group.files, 'file')}`
  const members = group.members.map(({ user, role, since }) => [user, role, since])
  return `${group.group}: ${counts}\n${table(['USER', 'ROLE', 'SINCE'], members)}`
}

export function groupsText(groups: GroupList['groups']): string {
  if (groups.length === 0) return 'There are no groups. Create one with: shoal group create NAME'
  const rows = groups.map(({ group, owner, members, role }) => [group, owner, String(members), role ?? '-'])
  return table(['GROUP', 'OWNER', 'MEMBERS', 'YOUR ROLE'], rows)
}

export function filesText(files: readonly ListedFile[]): string {
  if (files.length === 0) return 'No files'
  const rows = files.map((file) => [
    file.name,
    ...kindCells(file),
    `v${file.version}`,
    file.uploader,
    String(file.seeders),
    String(file.leechers),
    file.added,
  ])
  return table(['NAME', ...KIND_COLUMNS, 'VERSION', 'UPLOADER', 'SEEDERS', 'LEECHERS', 'ADDED'], rows)
}
