import { parentPort } from 'node:worker_threads'
import { encodeError } from '../protocol/errors.ts'
import type { ThreadAnswer } from './thread-pool.ts'

/**
 * Runs in a thread of a ThreadPool: answers each request with the result of `work`, and transfers its buffers. An error
 * goes back in its wire form. Does nothing in the main thread.
 */
export function answerRequests<Request, Answer>(
  work: (request: Request) => { answer: Answer; transfer?: ArrayBuffer[] },
): void {
  parentPort?.on('message', (request: Request) => {
    const post = (message: ThreadAnswer<Answer>, transfer: ArrayBuffer[] = []): void =>
      parentPort?.postMessage(message, transfer)
    try {
      const { answer, transfer } = work(request)
      post({ answer }, transfer)
    } catch (error) {
      post({ error: encodeError(error as Error) })
    }
  })
}
