import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { ShoalError } from '../../protocol/errors.ts'
import { fingerprint } from '../../protocol/hello.ts'
import type { PeerAddress } from '../../protocol/records.ts'
import { PauseWatch } from './pause-watch.ts'

/** Node's `onread`: reads go into the buffer that `buffer` returns, without an allocation per read. */
export interface OnRead {
  buffer: () => Uint8Array
  callback: (bytes: number, buffer: Uint8Array) => boolean
}

export interface Credentials {
  key: string
  cert: string
}

/** AES-128 first: it is a quarter faster than AES-256, which OpenSSL prefers, and as secure in practice. */
export const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384'
export const CONNECT_TIMEOUT_MS = 3000

/**
 * Connects to a peer. With TLS it checks the pinned certificate before it sends a byte. Rejects with PEER_BAD_ANSWER
 * for another certificate, else with the socket's error.
 */
export function connectPinned(
  target: PeerAddress,
  credentials: Credentials,
  onread?: OnRead,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const where = { host: target.host, port: target.port, ...(onread ? { onread } : {}) }
    const socket = target.tls
      ? connectTls({
          ...where,
          secureContext: contextOf(credentials),
          // Peers' certificates are self-signed: the pin below replaces the chain of trust.
          rejectUnauthorized: false,
          checkServerIdentity: () => undefined,
        })
      : connectTcp(where)
    const fail = (error: Error): void => {
      socket.destroy()
      reject(error)
    }
    const pauses = new PauseWatch(CONNECT_TIMEOUT_MS, performance.now())
    const expired = (): void => {
      // The answer may have come while this process slept: timers fire before sockets are read.
      if (pauses.paused(performance.now())) socket.setTimeout(CONNECT_TIMEOUT_MS, expired)
      else fail(new Error('the peer does not answer'))
    }
    socket.setTimeout(CONNECT_TIMEOUT_MS, expired)
    socket.once('error', fail)
    socket.once('close', () => fail(new Error('the peer closed the connection')))
    socket.once(target.tls ? 'secureConnect' : 'connect', () => {
      if (target.tls && pinOf(socket as TLSSocket) !== target.peer)
        return fail(
          new ShoalError('PEER_BAD_ANSWER', 'the peer has another certificate than the tracker announced'),
        )
      socket.setTimeout(0)
      socket.removeAllListeners('timeout')
      socket.off('error', fail)
      socket.removeAllListeners('close')
      socket.setNoDelay(true)
      resolve(socket)
    })
  })
}

const contexts = new WeakMap<Credentials, SecureContext>()

/** Cached, because parsing the key costs as much as a handshake. */
function contextOf(credentials: Credentials): SecureContext {
  let context = contexts.get(credentials)
  if (!context) {
    const { key, cert } = credentials
    context = createSecureContext({ key, cert, minVersion: 'TLSv1.3', ciphers: CIPHERS })
    contexts.set(credentials, context)
  }
  return context
}

function pinOf(socket: TLSSocket): string | null {
  const der = socket.getPeerX509Certificate()?.raw
  return der ? fingerprint(der) : null
}
