import { TreePool } from '../../../peer/tree/pool.ts'
import { TreeCopies } from '../../../peer/tree/tree-copy.ts'
import { TreeStore } from '../../../peer/tree/tree-store.ts'

/** The snapshots of a home that has none. */
export const noTrees = (home = '/nonexistent'): TreeCopies =>
  new TreeCopies(new TreeStore(home), new TreePool())
