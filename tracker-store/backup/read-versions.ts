import type { FileRecord, TagChange, TagRecord } from '../../protocol/records.ts'
import type { Database } from '../database.ts'
import type { GroupView } from '../groups/group-view.ts'
import { allRows, rowKey } from '../groups/rows.ts'
import { groupKeys } from '../keys.ts'
import type { BackupRecord } from './format.ts'

/** Records per line. */
const PAGE = 500

/**
 * The replaced versions, tags and tag histories of a group's files, read after its view. What was published since is left
 * out, and so is a tag that names a version which is. `take` sees each version.
 */
export async function* readVersions(
  db: Database,
  view: GroupView,
  take: (file: FileRecord) => void,
): AsyncGenerator<BackupRecord> {
  const { group, files } = view
  const keys = groupKeys(group)
  const tags = new Map<string, TagRecord[]>()
  for await (const page of allRows<TagRecord>(db, keys.tags, PAGE))
    for (const tag of page) {
      const key = rowKey(tag.name, tag.version)
      tags.set(key, [...(tags.get(key) ?? []), tag])
    }
  const saved: TagRecord[] = []
  const keepTags = ({ name, version }: FileRecord): void => {
    saved.push(...(tags.get(rowKey(name, version)) ?? []))
  }
  for await (const page of allRows<FileRecord>(db, keys.versions, PAGE)) {
    const versions = page.filter(({ name, version }) => version < (files.get(name)?.version ?? 0))
    for (const file of versions) {
      take(file)
      keepTags(file)
    }
    if (versions.length > 0) yield { type: 'versions', group, versions }
  }
  for (const name of new Set([...tags.values()].flat().map((tag) => tag.name))) {
    const newest = files.get(name)
    if (newest) keepTags(newest)
  }
  for (let i = 0; i < saved.length; i += PAGE) yield { type: 'tags', group, tags: saved.slice(i, i + PAGE) }
  for await (const page of allRows<TagChange>(db, keys.tagHistory, PAGE)) {
    const changes = page.filter(({ name }) => files.get(name) !== undefined)
    if (changes.length > 0) yield { type: 'tagHistory', group, changes }
  }
}
