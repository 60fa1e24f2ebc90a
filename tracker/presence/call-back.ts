import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { connect, createSecureContext, type SecureContext } from 'node:tls'
import { fingerprint, type Here, herePath, isHere } from '../../protocol/hello.ts'
import type { PeerAddress } from '../../protocol/records.ts'
import type { Announced } from '../../tracker-client/api/schemas.ts'

export type CallBackFault = NonNullable<Announced['fault']>
/** The fault that a call-back found, or null if the peer is there. Never rejects. */
export type CallBack = (peer: PeerAddress) => Promise<CallBackFault | null>

const LIMIT_MS = 3000
const MAX_ANSWER = 8192

/**
 * Checks whether the holder of the peer's key listens at the address. With TLS it only completes a handshake. Without, it
 * sends one request that contains only a nonce, and the answer must be a signature over it.
 */
export const callBack: CallBack = async (peer) => {
  const limit = AbortSignal.timeout(LIMIT_MS)
  try {
    return (await (peer.tls ? isAtTls(peer, limit) : isAtPlain(peer, limit))) ? null : 'wrong certificate'
  } catch {
    return 'unreachable'
  }
}

/** Created once, with the first call-back: creating one takes as long as a handshake. */
let context: SecureContext | undefined

function isAtTls({ peer, host, port }: PeerAddress, limit: AbortSignal): Promise<boolean> {
  context ??= createSecureContext({ minVersion: 'TLSv1.3' })
  const secureContext = context
  return new Promise((resolve, reject) => {
    // Peers' certificates are self-signed: the id is the hash of the whole certificate.
    const socket = connect({ host, port, secureContext, rejectUnauthorized: false })
    const end = (): void => {
      limit.removeEventListener('abort', end)
      socket.destroy()
      reject(new Error('no TLS handshake'))
    }
    limit.addEventListener('abort', end)
    socket.on('error', end)
    socket.once('close', end)
    socket.once('secureConnect', () => {
      const der = socket.getPeerX509Certificate()?.raw
      resolve(der !== undefined && fingerprint(der) === peer)
      end()
    })
  })
}

function isAtPlain({ peer, host, port }: PeerAddress, signal: AbortSignal): Promise<boolean> {
  const nonce = randomBytes(32).toString('hex')
  return new Promise((resolve, reject) => {
    // Whatever the other side sends, this ends with the connection or at the time limit.
    const end = (): void => reject(new Error('no answer'))
    signal.addEventListener('abort', end, { once: true })
    request({ host, port, path: herePath(nonce), headers: { host: peer }, agent: false, signal })
      .once('error', end)
      .once('close', end)
      .once('response', (response) => {
        let text = ''
        response.setEncoding('latin1')
        response.on('data', (data: string) => {
          text += data
          if (text.length > MAX_ANSWER) response.destroy(new Error('too long'))
        })
        response.once('error', end)
        response.once('end', () => resolve(proves(text, peer, nonce)))
      })
      .end()
  })
}

function proves(text: string, peer: string, nonce: string): boolean {
  try {
    const { certificate, signature } = JSON.parse(text) as Partial<Here>
    if (typeof certificate !== 'string' || typeof signature !== 'string') return false
    return isHere({ certificate, signature }, peer, nonce)
  } catch {
    return false
  }
}
