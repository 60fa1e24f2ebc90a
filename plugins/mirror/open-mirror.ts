import { parseSelectedName, type ResolvedFile, ShoalError, type TrackerClient } from '@shoal/plugin'
import { FilesMirror } from './files-mirror.ts'
import type { Mirror, MirrorOptions } from './mirror.ts'
import { SnapshotMirror } from './snapshot-mirror.ts'

/** A mirror of what the name stands for. Throws the tracker's refusal, also for a version that the group does not have. */
export async function openMirror(options: MirrorOptions): Promise<Mirror> {
  const { client, group, prefix } = options
  // Fails with "no such group" or "not a member" before anything is made.
  await client.group(group)
  const found = prefix === '' ? null : await snapshotNamed(client, group, prefix)
  return found ? new SnapshotMirror(options, found) : new FilesMirror(options)
}

/** The snapshot of that name, or the one that it selects a version or a folder of; null for separate files, or nothing. */
async function snapshotNamed(
  client: TrackerClient,
  group: string,
  name: string,
): Promise<ResolvedFile | null> {
  const { files: first, revision } = await client.files(group, { prefix: name, limit: 1 })
  const [exact] = first.filter((file) => file.name === name)
  if (exact) return exact.tree ? { file: exact, path: '', revision } : null
  const { files: below } = await client.files(group, { prefix: `${name}/`, limit: 1 })
  if (below.length > 0) return null
  const found = await client.resolve(group, name).catch((error: unknown) => {
    if (parseSelectedName(name) || !(error instanceof ShoalError && error.code === 'FILE_NOT_FOUND'))
      throw error
    return null
  })
  if (!found || found.file.tree) return found
  throw new ShoalError(
    'USAGE',
    `${group}:${name} is a version of one file, and a mirror follows the newest`,
    {
      hint: `fetch it with: shoal peer download ${group}:${name}`,
    },
  )
}
