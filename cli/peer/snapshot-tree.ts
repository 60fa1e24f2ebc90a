import { type SnapshotPath, treeOfHome } from '../../peer/snapshot-tree.ts'
import { ShoalError } from '../../protocol/errors.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import { interrupt } from '../process/interrupt.ts'
import { type PeerChoice, withPeer } from './with-peer.ts'

/**
 * The tree of a snapshot. A manifest that the home does not have is fetched, without any contents, by its running peer,
 * else by one in this process. `waitMs`: how long to wait for a peer that serves it. Throws NO_PEER, and what a
 * download throws.
 */
export async function treeOf(
  { group, file }: Pick<SnapshotPath, 'group' | 'file'>,
  choice: Omit<PeerChoice, 'once' | 'seedForMs'>,
  waitMs: number,
): Promise<TreeIndex> {
  const here = treeOfHome(choice.home, file)
  if (here !== null) return here
  const { name, fileId, size, tree } = file
  const request = { group, name, fileId, size, trailer: tree.trailer, waitMs }
  await withPeer(
    { ...choice, once: true, seedForMs: 0 },
    (peer, progress) => peer.tree(request, progress, interrupt.signal),
    () => {},
  )
  const fetched = treeOfHome(choice.home, file)
  if (fetched !== null) return fetched
  throw new ShoalError(
    'FILE_CHANGED',
    `the manifest of ${group}:${name} in ${choice.home}/trees is damaged`,
    {
      hint: 'run the same command again',
    },
  )
}
