import { join } from 'node:path'
import { Background } from '../../packed/background.ts'
import { acquireRedis } from '../../redis/embedded/server.ts'
import { QUEUE_FOLDER } from '../download/queue/download-queue.ts'
import { FetchPool } from '../fetch/pool.ts'
import { loadIdentity } from '../wire/identity.ts'
import { ExtentWorker } from './extent-worker.ts'

export interface WorkerOptions {
  home: string
  queue?: string | undefined
  /** Logs a failure of background work. */
  warn(message: string): void
}

export interface RunningWorker {
  peer: string
  /** Finishes the extents under way. Returns how much was fetched. */
  stop(): Promise<{ extents: number; bytes: number }>
}

/** Starts a worker for the home's peer, on the queue at the URL `queue` or on the home's own. */
export async function startWorker({ home, queue, warn }: WorkerOptions): Promise<RunningWorker> {
  const identity = await loadIdentity(home)
  const redis = queue ? null : await acquireRedis(join(home, QUEUE_FOLDER))
  const credentials = { key: identity.key, cert: identity.cert }
  // A worker serves nothing, so it has no port to announce.
  const pool = new FetchPool({ credentials, ownPort: 0 })
  const worker = new ExtentWorker(queue ?? redis!.url, identity.peer, pool, new Background(warn))
  await worker.start()
  return {
    peer: identity.peer,
    stop: async () => {
      await worker.close()
      await redis?.release()
      return { extents: worker.extents, bytes: worker.bytes }
    },
  }
}
