import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net'
import { until } from '../../../testkit/until.ts'

/** A TLS record begins with its type, version and length (RFC 8446, 5.1). */
const HEADER = 5

/**
 * Relays between a TLS client and its server. It can hold the client's data and then send it in one piece, so
 * that the server reads many records at once.
 */
export class RecordRelay {
  readonly #server: Server
  #upstream: Socket | null = null
  #held: Buffer[] | null = null

  private constructor(server: Server) {
    this.#server = server
  }

  /** Relays to `port` on loopback. */
  static async to(port: number): Promise<RecordRelay> {
    const server = createServer().listen(0, '127.0.0.1')
    const relay = new RecordRelay(server)
    server.on('connection', (client) => relay.#connect(client, port))
    await once(server, 'listening')
    return relay
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  hold(): void {
    this.#held = []
  }

  /** Forwards the held data once it contains at least `records` complete records. */
  async release(records: number): Promise<void> {
    await until(() => countRecords(Buffer.concat(this.#held!)) >= records)
    this.#upstream!.write(Buffer.concat(this.#held!))
    this.#held = null
  }

  close(): void {
    this.#server.close()
  }

  #connect(client: Socket, port: number): void {
    const upstream = createConnection({ host: '127.0.0.1', port })
    this.#upstream = upstream
    client.on('data', (part: Buffer) => {
      if (this.#held) this.#held.push(part)
      else upstream.write(part)
    })
    upstream.pipe(client)
    upstream.on('close', () => client.destroy()).on('error', () => {})
    client.on('close', () => upstream.destroy()).on('error', () => {})
  }
}

function countRecords(bytes: Buffer): number {
  let count = 0
  for (let at = 0; at + HEADER <= bytes.length; count++) {
    at += HEADER + bytes.readUInt16BE(at + 3)
    if (at > bytes.length) return count
  }
  return count
}
