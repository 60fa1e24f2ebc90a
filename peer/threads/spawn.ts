import { Worker } from 'node:worker_threads'

export type ThreadName = 'fetch-thread' | 'hash-thread'

/** Starts a worker thread of this folder. The one place that knows how, since a single binary has no files. */
export function spawnThread(name: ThreadName, workerData: unknown = null): Worker {
  const thread = new Worker(new URL(`./${name}.ts`, import.meta.url), { workerData })
  // A peer with nothing else to do may end; whoever waits for an answer holds its own reference.
  thread.unref()
  return thread
}
