import type { TrackerClient } from '../../tracker-client/client.ts'
import type { FetchPool } from '../fetch/pool.ts'
import type { HashPool } from '../hash/pool.ts'
import type { Catalog } from '../serve/catalog.ts'
import type { Library } from '../serve/library.ts'
import type { Seeds } from '../serve/seeds.ts'
import type { TreeCopies } from '../tree/tree-copy.ts'
import type { Identity } from '../wire/identity.ts'
import type { TransferCounters } from '../wire/transfer-counters.ts'
import type { ChunkSource } from './chunk-sources.ts'
import type { ExtentQueue } from './queue/extent-queue.ts'
import type { JoinRequests } from './swarm/join-requests.ts'

/** What a download uses of the peer that it runs in. */
export interface DownloadContext {
  identity: Identity
  ownPort: number
  client: TrackerClient
  tickets: JoinRequests
  catalog: Catalog
  library: Library
  seeds: Seeds
  trees: TreeCopies
  hashPool: HashPool
  fetchPool: FetchPool
  figures: TransferCounters
  /** Places of plugins that are asked for chunks before the swarm is. */
  sources: readonly ChunkSource[]
  extents: ExtentQueue
  /** Into the peer's log. */
  warn(message: string): void
}
