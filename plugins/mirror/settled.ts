/** A folder's files: for each path, a text that changes when the file does. */
export type Scan = Map<string, string>

/**
 * Decides which files to publish now (`ready`): those unchanged since the scan before, but not published in this state.
 * `waiting` counts those that are new or have changed since. Pure.
 */
export function settled(
  before: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
  published: ReadonlyMap<string, string>,
): { ready: string[]; waiting: number } {
  const open = [...now].filter(([path, state]) => published.get(path) !== state)
  const ready = open.filter(([path, state]) => before.get(path) === state).map(([path]) => path)
  return { ready, waiting: open.length - ready.length }
}
