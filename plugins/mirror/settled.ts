/** What a folder holds: of each path, a text that differs when the file was touched. */
export type Scan = Map<string, string>

/**
 * Which files are to be published now: those that are as they were at the reading before, and not as they were
 * published. `waiting` counts those that have changed since, or are new. Pure.
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
