import { createHash, sign, verify, X509Certificate } from 'node:crypto'

/**
 * How a peer proves that it is who its id says: by signatures of the key in the certificate whose hash the id is.
 * Each message begins with a domain of its own, so that none can be taken for another (docs/protocol.md).
 */
const HELLO = Buffer.from('shoal/hello/1', 'ascii')
const HERE = Buffer.from('shoal/here/1', 'ascii')

/** For how long a hello is good, and how far the clocks of a peer and a tracker may differ, in milliseconds. */
export const HELLO_LIFETIME_MS = 300_000
export const MAX_AHEAD_MS = 60_000

/** Proof that the user of a session holds the key of a peer id. */
export interface Hello {
  /** DER, base64: its SHA-256 is the peer id. */
  certificate: string
  /** When it was signed, in milliseconds since the epoch. */
  at: number
  /** ECDSA with SHA-256, DER, base64. */
  signature: string
}

/** A hello without a time: its nonce is the caller's, and new for each call. */
export type Here = Pick<Hello, 'certificate' | 'signature'>

/** Key and certificate in PEM. */
export interface KeyPair {
  peer: string
  key: string
  cert: string
}

/** The id of the peer that has this certificate (DER): its SHA-256 in lower-case hex. */
export function fingerprint(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('hex')
}

/** Where a peer without TLS proves its id to who calls it. */
export const herePath = (nonce: string): string => `/v1/here/${nonce}`
export const HERE_PATH = /^\/v1\/here\/([0-9a-f]{64})$/

/** A hello of this key pair, good for whoever has the session token alone. */
export function signHello(keys: KeyPair, token: string, at: number): Hello {
  return { at, ...signed(keys, helloMessage(keys.peer, fingerprint(Buffer.from(token)), at)) }
}

/** The fault of a hello for `peer`, as a sentence, or null. `tokenHash` is the SHA-256 of the session token. */
export function helloFault(hello: Hello, peer: string, tokenHash: string, now: number): string | null {
  if (hello.at > now + MAX_AHEAD_MS) return 'it is from the future: check the clock of the peer'
  if (hello.at < now - HELLO_LIFETIME_MS) return 'it is too old: check the clock of the peer'
  return faultOf(hello, peer, helloMessage(peer, tokenHash, hello.at))
}

export function signHere(keys: KeyPair, nonce: string): Here {
  return signed(keys, hereMessage(keys.peer, nonce))
}

export function isHere(here: Here, peer: string, nonce: string): boolean {
  return faultOf(here, peer, hereMessage(peer, nonce)) === null
}

/** "shoal/hello/1" ‖ peer id ‖ SHA-256 of the session token ‖ u64 milliseconds. */
function helloMessage(peer: string, tokenHash: string, at: number): Buffer {
  const time = Buffer.alloc(8)
  time.writeBigUInt64BE(BigInt(at))
  return Buffer.concat([HELLO, Buffer.from(peer, 'hex'), Buffer.from(tokenHash, 'hex'), time])
}

/** "shoal/here/1" ‖ peer id ‖ nonce. */
function hereMessage(peer: string, nonce: string): Buffer {
  return Buffer.concat([HERE, Buffer.from(peer, 'hex'), Buffer.from(nonce, 'hex')])
}

function signed(keys: KeyPair, message: Buffer): Here {
  const certificate = new X509Certificate(keys.cert).raw.toString('base64')
  return { certificate, signature: sign('sha256', message, keys.key).toString('base64') }
}

function faultOf({ certificate, signature }: Here, peer: string, message: Buffer): string | null {
  const der = Buffer.from(certificate, 'base64')
  if (fingerprint(der) !== peer) return 'its certificate is that of another peer'
  try {
    const key = new X509Certificate(der).publicKey
    // Other keys can be made so that to verify by them takes long.
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return 'its key is not on the curve P-256'
    const isRight = verify('sha256', message, key, Buffer.from(signature, 'base64'))
    return isRight ? null : 'its signature is wrong'
  } catch {
    return 'its certificate cannot be read'
  }
}
