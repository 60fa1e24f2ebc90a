import type { FileRecord } from '../../protocol/records.ts'
import type { Database } from '../database.ts'
import { groupKeys } from '../keys.ts'
import { parseEntry } from './group-stream.ts'

const PAGE = 1000

/**
 * The versions of the file now called `name`, newest first, as far back as the group's stream goes. Publishing a
 * removed name starts a new history. Null if the file is removed. Throws STORE_UNAVAILABLE.
 */
export async function readVersions(db: Database, group: string, name: string): Promise<FileRecord[] | null> {
  const { stream } = groupKeys(group)
  const versions: FileRecord[] = []
  let last = '+'
  while (true) {
    const items = await db.ask((redis) => redis.xrevrange(stream, last, '-', 'COUNT', PAGE))
    for (const [, [, text = '']] of items) {
      // Skip other events unparsed: parsing costs more than this test.
      if (!text.startsWith('{"type":"file.')) continue
      const { event } = parseEntry(text)
      if (event.type === 'file.removed' && event.name === name) return versions.length > 0 ? versions : null
      if (event.type !== 'file.published' || event.file.name !== name) continue
      versions.push(event.file)
      if (event.file.version === 1) return versions
    }
    const oldest = items.at(-1)
    if (items.length < PAGE || !oldest) return versions
    last = `(${oldest[0]}`
  }
}
