import { readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { HASH_SIZE } from '../../../protocol/chunking.ts'
import { findExact } from '../../../protocol/tree/listing.ts'
import type { TreeIndex } from '../../../protocol/tree/tree-index.ts'
import { ABSENT, FILE, type FileState, LINK, type States } from '../../tree/contents.ts'
import { fewAtOnce } from '../../tree/few-at-once.ts'
import type { TreePool } from '../../tree/pool.ts'
import { type FolderState, isUntouched } from './folder-state.ts'

const TASK_FILES = 200

/** How a mirror compares: files that earlier trees have are replaced even if they changed since. */
export interface MirrorOptions {
  /** Hashes every file, instead of trusting those of the right size and time. */
  checksum: boolean
  /** Removes what the tree does not have. */
  deletes: boolean
  /** Trees of updates that did not end: files of theirs may be there. */
  begun: readonly TreeIndex[]
}

export interface ComparisonOptions {
  /** Trees that this home has put there, the newest last. */
  earlier: readonly TreeIndex[]
  mirror: MirrorOptions | null
  pool: TreePool
}

export interface Comparison {
  /** Entries of files with the wanted contents. */
  present: Set<number>
  /** Paths of present files with another time or mode. */
  retimed: Set<string>
  /** Paths of links with the wanted target. */
  links: Set<string>
  /** Paths of files and links that no download put there, in tree order. */
  foreign: string[]
}

/** What to do with a file or link that is there: nothing, set its time and mode, replace it, hash it, or refuse it. */
type Verdict = 'same' | 'retimed' | 'replaced' | 'doubtful' | 'foreign'

/**
 * Compares the files and links of a folder with those of the tree. Hashes files to be sure of their contents: downloads
 * verify chunks, so an earlier tree may claim a wrong SHA-256. A mirror trusts size and time, unless it has `checksum`.
 */
export async function compareFiles(
  folder: FolderState,
  options: ComparisonOptions,
  signal: AbortSignal,
): Promise<Comparison> {
  const { index, entries, paths } = folder
  const { earlier, mirror, pool } = options
  const placed = [...earlier, ...(mirror?.begun ?? [])]
  const present = new Set<number>()
  const retimed = new Set<string>()
  const links = new Set<string>()
  const claimed = new Map<number, Verdict>()
  const doubtful: number[] = []
  const refused: number[] = []
  for (const [i, entry] of entries.entries()) {
    if (folder.states.kinds[i] === ABSENT || index.isFolder(entry)) continue
    if (index.kind(entry) === 'link') {
      const verdict = judgeLink(folder, i, placed)
      if (verdict === 'same') links.add(paths[i]!)
      else if (verdict === 'foreign') refused.push(i)
      continue
    }
    const verdict = judgeFile(folder, i, placed, mirror)
    if (verdict === 'same' || verdict === 'retimed') claimed.set(i, verdict)
    if (verdict === 'doubtful') doubtful.push(i)
  }
  const claims = [...claimed.keys()]
  for (const i of mirror ? claims : await withWantedContents(folder, claims, pool, signal)) {
    present.add(entries[i]!)
    if (claimed.get(i) === 'retimed') retimed.add(paths[i]!)
  }
  for (const i of await withWantedContents(folder, doubtful, pool, signal)) {
    present.add(entries[i]!)
    const isFinished =
      mirror !== null && isUntouched(index, entries[i]!, folder.states, i) && hasMode(folder, i)
    if (!isFinished) retimed.add(paths[i]!)
  }
  refused.push(...doubtful.filter((i) => !present.has(entries[i]!)))
  const isRepaired = (i: number): boolean =>
    mirror !== null && earlier.some((tree) => hasFile(tree, index.path(entries[i]!)))
  const foreign = refused.filter((i) => !isRepaired(i)).sort((a, b) => a - b)
  return { present, retimed, links, foreign: foreign.map((i) => paths[i]!) }
}

function judgeLink(
  { root, index, entries, paths, states }: FolderState,
  i: number,
  placed: readonly TreeIndex[],
): Verdict {
  if (states.kinds[i] !== LINK) return 'foreign'
  const target = readlinkSync(join(root, paths[i]!))
  if (target === index.target(entries[i]!)) return 'same'
  const isOurs = placed.some((tree) => linkTarget(tree, index.path(entries[i]!)) === target)
  return isOurs ? 'replaced' : 'foreign'
}

function judgeFile(
  folder: FolderState,
  i: number,
  placed: readonly TreeIndex[],
  mirror: MirrorOptions | null,
): Verdict {
  const { index, entries, states } = folder
  const entry = entries[i]!
  if (mirror?.checksum) return 'doubtful'
  // A mirror takes a file of the right size and time to be the tree's, whoever put it there.
  const old = findUntouched(mirror ? [...placed, index] : placed, index.path(entry), states, i)
  if (!old) return 'doubtful'
  if (!old.sha256.equals(index.sha256(entry))) return 'replaced'
  const isMode = mirror ? hasMode(folder, i) : old.mode === index.mode(entry)
  return isMode && isUntouched(index, entry, states, i) ? 'same' : 'retimed'
}

/** The file of one of the trees that is at the path, unchanged. */
function findUntouched(
  trees: readonly TreeIndex[],
  path: string,
  states: States,
  i: number,
): { sha256: Buffer; mode: number } | null {
  for (const tree of trees) {
    const entry = findEntry(tree, path)
    if (entry !== null && isUntouched(tree, entry, states, i))
      return { sha256: tree.sha256(entry), mode: tree.mode(entry) }
  }
  return null
}

/** Whether the file has the mode of the tree, under the umask. */
const hasMode = ({ index, entries, states }: FolderState, i: number): boolean =>
  states.modes[i] === (index.mode(entries[i]!) & ~process.umask())

function hasFile(tree: TreeIndex, path: string): boolean {
  const entry = findEntry(tree, path)
  return entry !== null && !tree.isFolder(entry)
}

function linkTarget(tree: TreeIndex, path: string): string | null {
  const entry = findEntry(tree, path)
  return entry !== null && tree.kind(entry) === 'link' ? tree.target(entry) : null
}

function findEntry(tree: TreeIndex, path: string): number | null {
  const entry = findExact(tree, path)
  return entry !== null && entry >= 0 ? entry : null
}

/** Hashes those of the files that have the right length. Returns those with the wanted content. */
async function withWantedContents(
  { root, index, entries, paths, states: { kinds, sizes, times } }: FolderState,
  files: readonly number[],
  pool: TreePool,
  signal: AbortSignal,
): Promise<number[]> {
  const alike = files.filter((i) => kinds[i] === FILE && sizes[i] === index.size(entries[i]!))
  const same: number[] = []
  function* slices(): Generator<number[]> {
    for (let at = 0; at < alike.length; at += TASK_FILES) yield alike.slice(at, at + TASK_FILES)
  }
  await fewAtOnce(slices(), async (slice) => {
    const wanted = slice.map((i): FileState => ({ path: paths[i]!, size: sizes[i]!, mtimeNs: times[i]! }))
    const { files: hashes } = await pool.hashFiles(root, wanted, signal)
    for (const [k, i] of slice.entries())
      if (index.sha256(entries[i]!).equals(hashes.subarray(k * HASH_SIZE, (k + 1) * HASH_SIZE))) same.push(i)
  })
  return same
}
