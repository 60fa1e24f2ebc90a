import type { Socket } from 'node:net'

export interface PipelineSlot {
  /** Resolves when all that was asked for before on this connection is answered. */
  come: Promise<void>
  /** This request is answered. */
  done(): void
}

const last = new WeakMap<Socket, Promise<void>>()

/**
 * The turn of a request among the pipelined ones of its connection; to be taken as the request arrives, before
 * anything is awaited, since answers go out in the order of requests (RFC 9112, 9.3.2) and one that waited for
 * a later one would wait for ever.
 */
export function takeSlot(socket: Socket): PipelineSlot {
  const come = last.get(socket) ?? Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  last.set(socket, promise)
  return { come, done: () => void come.then(resolve) }
}
