import type { Socket } from 'node:net'

const signals = new WeakMap<Socket, AbortSignal>()

/**
 * Aborts when the connection closes. The response's own `close` event will not do: it never comes for a
 * pipelined request whose turn has not come when the connection goes.
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
