import { Worker } from 'node:worker_threads'
import { isPacked, packedText } from '../../packed/files.ts'

export type ThreadName = 'fetch-thread' | 'hash-thread'

/** Starts a worker thread of this folder; the single binary carries each as one script. */
export function spawnThread(name: ThreadName, workerData: unknown = null): Worker {
  const packed = new URL(`./${name}.cjs`, import.meta.url)
  const thread = isPacked(packed)
    ? new Worker(packedText(packed), { eval: true, workerData })
    : new Worker(new URL(`./${name}.ts`, import.meta.url), { workerData })
  // A peer with nothing else to do may end; whoever waits for an answer holds its own reference.
  thread.unref()
  return thread
}
