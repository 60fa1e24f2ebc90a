import type { TrackerClient } from '../../tracker-client/client.ts'
import type { HashPool } from '../hash/pool.ts'
import type { Catalog } from '../serve/catalog.ts'
import type { Seeds } from '../serve/seeds.ts'
import type { TreeCopies } from '../tree/tree-copy.ts'

/** The parts of the peer that an upload uses. */
export interface UploadContext {
  client: TrackerClient
  seeds: Seeds
  catalog: Catalog
  trees: TreeCopies
  hashPool: HashPool
}
