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

/** The parts of the peer that a download uses. */
export interface DownloadContext {
  identity: Identity
  ownPort: number
  client: TrackerClient
  joinRequests: JoinRequests
  catalog: Catalog
  library: Library
  seeds: Seeds
  trees: TreeCopies
  hashPool: HashPool
  fetchPool: FetchPool
  figures: TransferCounters
  /** Chunk sources of plugins, asked before the swarm. */
  sources: readonly ChunkSource[]
  extents: ExtentQueue
  warn(message: string): void
}
