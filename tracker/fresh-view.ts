import type { GroupView } from '../tracker-store/groups/group-view.ts'
import type { Store } from '../tracker-store/store.ts'

/**
 * The group at revision `atLeast` or later, null where it does not exist. Where the view here says no (`serves`),
 * Redis is asked first: what one client was told is done is there for the next, whichever replica that asks.
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
