import type { TrackerClient } from '../../tracker/client/client.ts'
import type { Catalog } from '../catalog.ts'
import type { Figures } from '../figures.ts'
import type { HashPool } from '../hash-pool.ts'
import type { Identity } from '../identity.ts'
import type { ChunkSource } from '../seam.ts'
import type { Library } from '../serve/library.ts'
import type { Seeds } from '../serve/seeds.ts'
import type { ExtentQueue } from './extent-queue.ts'
import type { FetchPool } from './fetch-pool.ts'
import type { Tickets } from './tickets.ts'

/** The job of one download, as it stands in the queue. */
export interface DownloadJob {
  id: string
  group: string
  name: string
  fileId: string
  size: number
  /** Final path of the file. */
  path: string
  sequential: boolean
  maxDown: number
  waitMs: number
  /** Whether the finished file stays in the catalog and is seeded. */
  keep: boolean
}

/** What a download uses of the peer that it runs in. */
export interface DownloadContext {
  identity: Identity
  ownPort: number
  client: TrackerClient
  tickets: Tickets
  catalog: Catalog
  library: Library
  seeds: Seeds
  hashPool: HashPool
  fetchPool: FetchPool
  figures: Figures
  /** Places of plugins that are asked for chunks before the swarm is. */
  sources: readonly ChunkSource[]
  extents: ExtentQueue
  /** Into the peer's log. */
  warn(message: string): void
}
