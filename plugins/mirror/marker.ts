import { existsSync, realpathSync } from 'node:fs'
import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { MIRROR_MARKER, PART_SUFFIX, ShoalError, type SnapshotId, storageError } from '@shoal/plugin'

export interface MirroredName {
  group: string
  /** Folder in the group, '' for all of it; or a snapshot, or a folder in its tree. */
  prefix: string
}

/** The contents of a marker. */
export interface Marker extends MirroredName {
  /** By the names of snapshots in the group. */
  snapshots?: Record<string, SnapshotState>
}

/** The snapshots that a mirror put into a folder. */
export interface SnapshotState {
  /** The newest last. */
  earlier: SnapshotId[]
  /** Of updates that did not end. */
  begun: SnapshotId[]
}

/**
 * Requires that the mirror may delete in `folder`: it has this mirror's marker, or is empty or absent. Throws
 * PATH_IN_THE_WAY for a folder of another mirror, and for one with files that no mirror put there.
 */
export async function requireOwnFolder(folder: string, mirrored: MirroredName): Promise<void> {
  const marked = await readMarker(folder)
  if (marked === null && (await isEmpty(folder))) return
  if (marked === null)
    throw new ShoalError(
      'PATH_IN_THE_WAY',
      `${folder} is not empty and belongs to no mirror: --delete would remove files`,
      {
        hint: 'choose an empty folder, or add --adopt once to give this one to the mirror',
      },
    )
  refuseOther(folder, marked, mirrored)
}

/**
 * Whether the mirror of `root` (a real path) may delete the file at `path` below it: no link on the way leads out of
 * the folder, and no folder on the way belongs to another mirror.
 */
export function mayDelete(root: string, path: string): boolean {
  let folder: string
  try {
    folder = realpathSync(dirname(path))
  } catch {
    return false
  }
  for (; folder !== root; folder = dirname(folder))
    if (!folder.startsWith(root.endsWith(sep) ? root : root + sep) || existsSync(join(folder, MIRROR_MARKER)))
      return false
  return true
}

/** Throws PATH_IN_THE_WAY if the folder belongs to another mirror. */
export async function refuseOtherMirror(folder: string, mirrored: MirroredName): Promise<void> {
  const marked = await readMarker(folder)
  if (marked) refuseOther(folder, marked, mirrored)
}

/** Marks a folder as this mirror's, if it is empty or (`adopt`) in any case. */
export async function markFolder(folder: string, mirrored: MirroredName, adopt: boolean): Promise<void> {
  if (!adopt && !(await isEmpty(folder))) return
  await writeMarker(folder, mirrored)
}

/** Replaces the marker by one rename. */
export async function writeMarker(folder: string, marker: Marker): Promise<void> {
  const path = join(folder, MIRROR_MARKER)
  try {
    await writeFile(path + PART_SUFFIX, `${JSON.stringify(marker)}\n`)
    await rename(path + PART_SUFFIX, path)
  } catch (error) {
    throw storageError(error, path)
  }
}

function refuseOther(folder: string, marked: MirroredName, { group, prefix }: MirroredName): void {
  if (marked.group === group && marked.prefix === prefix) return
  throw new ShoalError(
    'PATH_IN_THE_WAY',
    `${folder} mirrors ${named(marked)}, not ${named({ group, prefix })}`,
    {
      hint: `choose another folder, or remove ${join(folder, MIRROR_MARKER)} to end that mirror`,
    },
  )
}

const named = ({ group, prefix }: MirroredName): string => (prefix === '' ? group : `${group}:${prefix}`)

async function isEmpty(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw storageError(error, folder)
  })
  return names.length === 0
}

/** The folder's marker, or null. Throws PATH_IN_THE_WAY for a file that is none. */
export async function readMarker(folder: string): Promise<Marker | null> {
  const path = join(folder, MIRROR_MARKER)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw storageError(error, path)
  })
  if (text === null) return null
  try {
    const { group, prefix, snapshots } = JSON.parse(text) as Record<string, unknown>
    if (typeof group === 'string' && typeof prefix === 'string')
      return { group, prefix, ...(isStates(snapshots) ? { snapshots } : {}) }
  } catch {}
  throw new ShoalError('PATH_IN_THE_WAY', `${path} is not a mirror's marker`, {
    hint: 'remove it, or choose another folder',
  })
}

const isStates = (value: unknown): value is Record<string, SnapshotState> =>
  isRecord(value) &&
  Object.values(value).every(
    (state) => isRecord(state) && isSnapshotIds(state.earlier) && isSnapshotIds(state.begun),
  )

const isSnapshotIds = (value: unknown): value is SnapshotId[] =>
  Array.isArray(value) &&
  value.every(
    (id: unknown) =>
      isRecord(id) && /^[0-9a-f]{64}$/.test(String(id.fileId)) && Number.isSafeInteger(id.size),
  )

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
