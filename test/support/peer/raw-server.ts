import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { KeyPair } from '../../../protocol/hello.ts'
import type { PeerAddress } from '../../../protocol/records.ts'

/** One received request. */
export interface RawRequest {
  head: string
  /** The requested range, [start, end). */
  start: number
  end: number
}

/** A peer that may send anything: a server that answers whatever `answer` writes, over TLS if it has keys. */
export class RawServer {
  readonly requests: RawRequest[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #keys: KeyPair | undefined

  private constructor(answer: (request: RawRequest, socket: Socket) => void, keys?: KeyPair) {
    this.#keys = keys
    const serve = (socket: Socket): void => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      let text = ''
      socket.on('data', (data) => {
        text += data.toString('latin1')
        for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
          const head = text.slice(0, end)
          text = text.slice(end + 4)
          const [, start, last] = /range: bytes=(\d+)-(\d+)/i.exec(head) ?? []
          const request = { head, start: Number(start), end: Number(last) + 1 }
          this.requests.push(request)
          answer(request, socket)
        }
      })
    }
    this.#server = keys
      ? createTlsServer({ key: keys.key, cert: keys.cert, minVersion: 'TLSv1.3' }, serve)
      : createServer(serve)
  }

  static async start(
    answer: (request: RawRequest, socket: Socket) => void,
    keys?: KeyPair,
  ): Promise<RawServer> {
    const server = new RawServer(answer, keys)
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  get address(): PeerAddress {
    const { port } = this.#server.address() as AddressInfo
    return {
      peer: this.#keys?.peer ?? 'f0'.repeat(32),
      host: '127.0.0.1',
      port,
      tls: this.#keys !== undefined,
    }
  }

  get connections(): number {
    return [...this.#sockets].filter((socket) => !socket.destroyed).length
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/**
 * The head of a correct answer for a file of `size` bytes. `headers` replaces some headers, or removes them (null).
 */
export function headFor(
  { start, end }: RawRequest,
  size: number,
  headers: Record<string, string | number | null> = {},
  statusLine = 'HTTP/1.1 206 Partial Content',
): string {
  const all = {
    'content-length': end - start,
    'content-range': `bytes ${start}-${end - 1}/${size}`,
    ...headers,
  }
  const lines = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]))
  return `${[statusLine, ...lines].join('\r\n')}\r\n\r\n`
}
