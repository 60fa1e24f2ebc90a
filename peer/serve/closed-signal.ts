import type { Socket } from 'node:net'

const signals = new WeakMap<Socket, AbortSignal>()

/**
 * Aborts when the connection closes. The response's own `close` event is not enough: a pipelined request that still
 * waits for its turn then never gets it.
 */
export function closedSignal(socket: Socket): AbortSignal {
  const known = signals.get(socket)
  if (known) return known
  const closed = new AbortController()
  if (socket.destroyed) closed.abort()
  else socket.once('close', () => closed.abort())
  signals.set(socket, closed.signal)
  return closed.signal
}
