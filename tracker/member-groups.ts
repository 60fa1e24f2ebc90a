import { isGroupName } from '../protocol/names.ts'
import { isUnavailable } from '../tracker-store/database.ts'
import type { GroupView } from '../tracker-store/groups/group-view.ts'
import type { Store } from '../tracker-store/store.ts'
import { freshView } from './fresh-view.ts'

/**
 * Those of the named groups that the user is a member of. Cheap for any list of names: Redis is asked for membership
 * first, and only the user's groups are loaded. While Redis is away the views in memory decide; throws STORE_UNAVAILABLE
 * if a group is not in memory.
 */
export async function memberGroups(
  groups: Store['groups'],
  user: string,
  names: Iterable<string>,
): Promise<Set<string>> {
  const found = new Set<string>()
  const unsure: string[] = []
  for (const group of new Set(names)) {
    if (groups.viewHere(group)?.members.has(user)) found.add(group)
    else if (isGroupName(group)) unsure.push(group)
  }
  if (unsure.length === 0) return found
  const isMember = ({ members }: GroupView): boolean => members.has(user)
  for (const group of await groups.ofMember(user, unsure).catch(unlessAway(unsure))) {
    const view = await freshView(groups, group, isMember)
    if (view && isMember(view)) found.add(group)
  }
  return found
}

const unlessAway =
  (names: string[]) =>
  (error: unknown): string[] => {
    if (isUnavailable(error)) return names
    throw error
  }
