import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type Server } from 'node:tls'
import { loadIdentity } from '../peer/wire/identity.ts'
import { fingerprint, type KeyPair, signHello } from '../protocol/hello.ts'
import { sha256 } from '../protocol/merkle.ts'
import type { Announcement, TrackerClient } from '../tracker-client/client.ts'

/** An identity with its own key. */
export async function newIdentity(): Promise<KeyPair> {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-identity-'))
  try {
    return await loadIdentity(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const made = await newIdentity()

/**
 * The identity of this name in this process, at almost no cost: all share one key, and their certificates differ only in
 * the serial number. The certificates' own signatures are therefore wrong, which nobody checks.
 */
export function identityOf(name: string): KeyPair {
  const der = Buffer.from(new X509Certificate(made.cert).raw)
  const at = serialAt(der)
  sha256(Buffer.from(name)).copy(der, at + 1, 0, der[at - 1]! - 1)
  // A positive DER integer without padding, whatever bytes follow.
  der[at] = 0x40
  const lines = der
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')
  const cert = `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
  return { peer: fingerprint(der), key: made.key, cert }
}

export const peerId = (name: string): string => identityOf(name).peer

/** Where the serial number starts (RFC 5280, 4.1): after two headers and the version. */
function serialAt(der: Buffer): number {
  const version = der.indexOf(Buffer.from('a003020102', 'hex'))
  if (version < 0 || der[version + 5] !== 2) throw new Error('not a version 3 certificate')
  return version + 7
}

/** Announces as this peer of the client's user, with proof of the key. */
export function announceAs(client: TrackerClient, keys: KeyPair, said: Omit<Announcement, 'peer' | 'hello'>) {
  const hello = signHello(keys, client.token ?? '', Date.now())
  return client.announce({ peer: keys.peer, ...said, hello })
}

/** A silent listener with this identity, enough for a tracker's call-back. */
export class ListeningPeer {
  readonly keys: KeyPair
  readonly #server: Server
  #connections = 0

  private constructor(keys: KeyPair, server: Server) {
    this.keys = keys
    this.#server = server
    server.on('connection', () => this.#connections++)
  }

  static async start(keys: KeyPair, port = 0, host = '127.0.0.1'): Promise<ListeningPeer> {
    const server = createServer({ key: keys.key, cert: keys.cert, minVersion: 'TLSv1.3' }, (socket) =>
      socket.on('error', () => {}).resume(),
    )
    server.on('tlsClientError', () => {})
    server.listen(port, host)
    await once(server, 'listening')
    return new ListeningPeer(keys, server)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The number of connections so far. */
  get connections(): number {
    return this.#connections
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
