import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** The first byte of a TLS record with a handshake message (RFC 8446, 5.1). */
export const TLS_HANDSHAKE = 0x16

/** A foreign service that an attacker aims peers at. It records what it receives, and never answers. */
export class Victim {
  /** The received bytes, per connection. */
  readonly heard: Buffer[] = []
  readonly #sockets: Socket[] = []
  readonly #server: Server

  private constructor() {
    this.#server = createServer((socket) => {
      const at = this.heard.push(Buffer.alloc(0)) - 1
      this.#sockets.push(socket)
      socket.on('error', () => {})
      socket.on('data', (data: Buffer) => {
        this.heard[at] = Buffer.concat([this.heard[at]!, data])
      })
    })
  }

  static async start(): Promise<Victim> {
    const victim = new Victim()
    victim.#server.listen(0, '127.0.0.1')
    await once(victim.#server, 'listening')
    return victim
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }
}
