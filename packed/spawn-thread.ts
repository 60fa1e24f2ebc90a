import { Worker } from 'node:worker_threads'
import { isPacked, packedText } from './files.ts'

/** Starts the worker thread whose source is `script`, a .ts file. The single binary carries it as one .cjs script instead. */
export function spawnThread(script: URL, workerData: unknown = null): Worker {
  const packed = new URL(script.href.replace(/\.ts$/, '.cjs'))
  const thread = isPacked(packed)
    ? new Worker(packedText(packed), { eval: true, workerData })
    : new Worker(script, { workerData })
  // A peer with nothing else to do may end; whoever waits for an answer holds its own reference.
  thread.unref()
  return thread
}
