import { connect, type Socket } from 'node:net'

export interface LoadRequest {
  method: 'GET' | 'POST' | 'DELETE'
  /** Includes the query: "/v1/groups?limit=10". */
  path: string
  token?: string
  /** The Idempotency-Key. */
  key?: string
  body?: unknown
}

export interface LoadAnswer {
  status: number
  /** The raw status line and headers. */
  head: string
  body: Buffer
}

/** A request as wire text, which a load generator can build in advance. */
export function wireRequest({ method, path, token, key, body }: LoadRequest): string {
  const text = body === undefined ? '' : JSON.stringify(body)
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'host: tracker',
    ...(token === undefined ? [] : [`authorization: Bearer ${token}`]),
    ...(key === undefined ? [] : [`idempotency-key: ${key}`]),
    ...(body === undefined ? [] : ['content-type: application/json']),
    ...(method === 'GET' ? [] : [`content-length: ${Buffer.byteLength(text)}`]),
  ]
  return `${lines.join('\r\n')}\r\n\r\n${text}`
}

/**
 * A keep-alive connection that costs a fraction of `fetch`. The server must answer in order and send a
 * Content-Length, as Fastify does.
 */
export class LoadConnection {
  readonly #socket: Socket
  readonly #waiting: PromiseWithResolvers<LoadAnswer>[] = []
  #buffer: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (data: Buffer) => this.#read(data))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the connection was closed')))
  }

  static async open(url: string): Promise<LoadConnection> {
    const { hostname, port } = new URL(url)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const socket = connect({ host: hostname, port: Number(port) }, resolve).once('error', reject)
    await promise
    return new LoadConnection(socket)
  }

  /** Sends a request made by `wireRequest`. */
  send(request: string): Promise<LoadAnswer> {
    const waiting = Promise.withResolvers<LoadAnswer>()
    this.#waiting.push(waiting)
    this.#socket.write(request)
    return waiting.promise
  }

  /** Sends a request, requires a status of 200 to 299, and returns the body. */
  async ask<T>(request: LoadRequest): Promise<T> {
    const { status, body } = await this.send(wireRequest(request))
    if (status > 299) throw new Error(`${request.method} ${request.path}: ${status} ${body}`)
    return JSON.parse(body.toString()) as T
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(data: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? data : Buffer.concat([this.#buffer, data])
    for (;;) {
      const end = this.#buffer.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = this.#buffer.toString('latin1', 0, end)
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
      const whole = end + 4 + length
      if (this.#buffer.length < whole) return
      const body = this.#buffer.subarray(end + 4, whole)
      this.#buffer = this.#buffer.subarray(whole)
      this.#waiting.shift()?.resolve({ status: Number(head.slice(9, 12)), head, body })
    }
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}
