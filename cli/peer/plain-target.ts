import type { Target } from '../../protocol/names.ts'
import { parseSelectedName } from '../../protocol/selector.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'

/** The target without its selector, unless the group has a file or folder of the whole name. */
export async function plainTarget(client: TrackerClient, target: Target): Promise<Target> {
  const { group, name } = target
  const selected = parseSelectedName(name)
  if (!selected) return target
  const { files } = await client.files(group, { prefix: name, limit: 1 })
  if (files.length > 0) return target
  return { group, name: selected.path === '' ? selected.name : `${selected.name}/${selected.path}` }
}
