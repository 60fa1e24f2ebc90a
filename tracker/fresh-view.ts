import type { GroupView } from '../tracker-store/groups/group-view.ts'
import type { Store } from '../tracker-store/store.ts'

/**
 * The group at revision `atLeast` or later, or null if it does not exist. If the view in memory would refuse (`serves`),
 * Redis decides: a change confirmed to one client is visible to the next, whichever replica it asks.
 */
export async function freshView(
  groups: Store['groups'],
  group: string,
  serves: (view: GroupView) => boolean,
  atLeast = 0,
): Promise<GroupView | null> {
  let view = groups.viewHere(group)
  if (!view || view.revision < atLeast) view = await groups.view(group, atLeast)
  return view && serves(view) ? view : groups.viewNow(group)
}
