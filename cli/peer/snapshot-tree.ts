import { findSnapshot, type SnapshotPath, treeOfHome } from '../../peer/snapshot-tree.ts'
import { ShoalError } from '../../protocol/errors.ts'
import type { Target } from '../../protocol/names.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'
import { interrupt } from '../process/interrupt.ts'
import { type PeerChoice, withPeer } from './with-peer.ts'

export interface SnapshotTree extends SnapshotPath {
  index: TreeIndex
}

/**
 * Finds a snapshot and its tree. A manifest that the home does not have is fetched, without any contents, by its
 * running peer, else by one in this process. `waitMs`: how long to wait for a peer that serves it. Throws as
 * `findSnapshot`, and NO_PEER.
 */
export async function snapshotTree(
  client: TrackerClient,
  target: Target,
  choice: Omit<PeerChoice, 'once' | 'seedForMs'>,
  waitMs: number,
): Promise<SnapshotTree> {
  const found = await findSnapshot(client, target)
  const { group, file } = found
  const { name, fileId, size, tree } = file
  let index = treeOfHome(choice.home, file)
  if (index === null) {
    const request = { group, name, fileId, size, trailer: tree.trailer, waitMs }
    await withPeer(
      { ...choice, once: true, seedForMs: 0 },
      (peer, progress) => peer.tree(request, progress, interrupt.signal),
      () => {},
    )
    index = treeOfHome(choice.home, file)
  }
  if (index === null)
    throw new ShoalError(
      'FILE_CHANGED',
      `the manifest of ${group}:${name} in ${choice.home}/trees is damaged`,
      {
        hint: 'run the same command again',
      },
    )
  return { ...found, index }
}
