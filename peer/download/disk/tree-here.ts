import { existsSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { TreeIndex } from '../../../protocol/tree/tree-index.ts'
import type { Catalog } from '../../serve/catalog.ts'
import { FILE, FOLDER, isSameState, LINK, type States } from '../../tree/contents.ts'
import { stateOf } from '../../tree/parts.ts'
import type { TreePool } from '../../tree/pool.ts'
import { workingFolder, workingName } from './working-name.ts'

const TASK_ENTRIES = 2000
/** Tasks at once, so that all threads work and a million paths are never in memory together. */
const TASKS = 4

export interface PlacedTree {
  group: string
  name: string
  fileId: string
  /** Its folder. */
  path: string
}

/**
 * Whether a folder is exactly what an earlier download of the whole snapshot left there: each entry with its kind, size,
 * time and mode, and each link with its target. What the snapshot does not have does not count. False, too, for a
 * download that did not end.
 */
export async function isTreeHere(
  index: TreeIndex,
  { group, name, fileId, path }: PlacedTree,
  { catalog, pool }: { catalog: Catalog; pool: TreePool },
  signal: AbortSignal,
): Promise<boolean> {
  const isPlaced = catalog
    .byPath(path)
    .some(
      (entry) =>
        entry.isTree &&
        entry.fault === null &&
        entry.fileId === fileId &&
        entry.group === group &&
        entry.name === name,
    )
  if (!isPlaced || !existsSync(path)) return false
  const target = { path: realpathSync(path), kind: 'merge', final: path, isSingle: false } as const
  if (existsSync(workingFolder(await workingName(target, fileId)))) return false
  const umask = process.umask()
  const areHere = async (first: number): Promise<boolean> => {
    const count = Math.min(TASK_ENTRIES, index.count - first)
    const paths = Array.from({ length: count }, (_, i) => index.path(first + i))
    const states = await pool.states(path, paths, signal)
    return paths.every((at, i) => isHere(index, first + i, join(path, at), states, i, umask))
  }
  for (let at = 0; at < index.count; at += TASKS * TASK_ENTRIES) {
    const firsts = Array.from({ length: TASKS }, (_, i) => at + i * TASK_ENTRIES)
    const checks = firsts.filter((first) => first < index.count).map(areHere)
    if ((await Promise.all(checks)).includes(false)) return false
  }
  return true
}

function isHere(
  index: TreeIndex,
  entry: number,
  path: string,
  { kinds, sizes, times, modes }: States,
  i: number,
  umask: number,
): boolean {
  const kind = index.kind(entry)
  // A merge leaves a link with the right target as it is, whatever its time.
  if (kind === 'link') return kinds[i] === LINK && readlinkSync(path) === index.target(entry)
  if (kinds[i] !== (kind === 'folder' ? FOLDER : FILE)) return false
  if (modes[i] !== (index.mode(entry) & ~umask)) return false
  const size = kind === 'folder' ? 0n : BigInt(sizes[i]!)
  return isSameState(stateOf(index, entry), { size, mtimeNs: times[i]! })
}
