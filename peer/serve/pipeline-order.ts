import type { Socket } from 'node:net'

export interface PipelineSlot {
  /** Resolves when all earlier requests on this connection are answered. */
  come: Promise<void>
  /** Reports that this request is answered. */
  done(): void
}

const last = new WeakMap<Socket, Promise<void>>()

/**
 * Queues a request behind the earlier ones of its connection, because answers must keep the order of the requests
 * (RFC 9112, 9.3.2). Call it when the request arrives, before any await: otherwise a request could wait for a later
 * one, and never end.
 */
export function takeSlot(socket: Socket): PipelineSlot {
  const come = last.get(socket) ?? Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  last.set(socket, promise)
  return { come, done: () => void come.then(resolve) }
}
