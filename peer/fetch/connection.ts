import type { Socket } from 'node:net'
import { ShoalError } from '../../protocol/errors.ts'
import { PEER_PORT_HEADER } from '../../protocol/peer-wire.ts'
import type { PeerAddress } from '../../protocol/records.ts'
import { type Credentials, connectPinned } from '../wire/pinned-connect.ts'
import type { ChunkSink } from './chunk-sink.ts'
import {
  badResponse,
  HeadCollector,
  MAX_ERROR_BODY,
  type ResponseHead,
  responseError,
} from './response-parser.ts'

export interface RangeRequest {
  path: string
  grant: string
  /** Bytes [start, end) of a file of `size`. */
  start: number
  end: number
  size: number
  sink: ChunkSink
  /** Called with null once every chunk is verified and written, else with the error. Only the first call counts. */
  settle(error: Error | null): void
}

/** A peer that owes a response and sends no byte for this long counts as stalled. */
export const STALL_MS = 3000
const HEAD_BUFFER = 16 * 1024

/**
 * One connection to one peer. It pipelines range requests (RFC 9112, 9.3.2) and reads bodies straight into chunk
 * buffers. An error settles all its requests and ends it.
 */
export class FetchConnection {
  readonly target: PeerAddress
  readonly #ownPort: number
  readonly #requests: RangeRequest[] = []
  readonly #head = new HeadCollector()
  readonly #headBuffer = Buffer.allocUnsafeSlow(HEAD_BUFFER)
  readonly #onClose: (connection: FetchConnection) => void
  #socket: Socket | null = null
  /** The head of the response whose body is arriving. */
  #answer: ResponseHead | null = null
  #errorBody: Buffer[] = []
  #left = 0
  /** When the last stall check found new data. */
  #receivedAt = performance.now()
  /** Data arrived since the last stall check. A clock reading per 16 KiB record would cost more than parsing it. */
  #received = false
  #closed = false

  constructor(
    target: PeerAddress,
    credentials: Credentials,
    ownPort: number,
    onClose: (connection: FetchConnection) => void,
  ) {
    this.target = target
    this.#ownPort = ownPort
    this.#onClose = onClose
    const onread = {
      buffer: () => this.#space(),
      callback: (n: number, buffer: Uint8Array) => this.#onData(n, buffer),
    }
    connectPinned(target, credentials, onread).then(
      (socket) => this.#connected(socket),
      (error: Error) => this.close(error),
    )
  }

  get pending(): number {
    return this.#requests.length
  }

  request(request: RangeRequest): void {
    if (this.#requests.length === 0) this.#receivedAt = performance.now()
    this.#requests.push(request)
    if (this.#socket) this.#send(request)
  }

  /** Closes the connection if every request under way was abandoned. */
  closeIfAbandoned(): void {
    if (this.#requests.every(({ sink }) => sink.abandoned)) this.close(new Error('cancelled'))
  }

  /**
   * Closes the connection if a response is due and nothing has arrived for STALL_MS. Call it regularly. After a pause
   * of this process (`paused`) the peer gets the full time again.
   */
  checkStall(paused: boolean): void {
    const now = performance.now()
    if (this.#received || paused) this.#receivedAt = now
    this.#received = false
    if (this.#requests.length > 0 && this.#socket && now - this.#receivedAt > STALL_MS)
      this.close(new ShoalError('NO_PEER', `the peer sent nothing for ${STALL_MS / 1000} s`))
  }

  close(error: Error): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket?.destroy()
    this.#onClose(this)
    for (const request of this.#requests.splice(0)) {
      request.sink.release()
      request.settle(error)
    }
  }

  #connected(socket: Socket): void {
    if (this.#closed) return void socket.destroy()
    this.#socket = socket
    this.#receivedAt = performance.now()
    socket.on('error', (error) => this.close(error))
    socket.on('close', () => this.close(new Error('the peer closed the connection')))
    for (const request of this.#requests) this.#send(request)
  }

  #send({ path, grant, start, end }: RangeRequest): void {
    this.#socket?.write(
      `GET ${path} HTTP/1.1\r\nHost: ${this.target.peer}\r\nAuthorization: Bearer ${grant}\r\n` +
        `Range: bytes=${start}-${end - 1}\r\n${PEER_PORT_HEADER}: ${this.#ownPort}\r\n\r\n`,
    )
  }

  /** Where the next read goes: body bytes into their chunk, never past it; heads into their own buffer. */
  #space(): Uint8Array {
    const request = this.#requests[0]
    return request && this.#answer?.status === 206 ? request.sink.space() : this.#headBuffer
  }

  #onData(n: number, buffer: Uint8Array): boolean {
    this.#received = true
    try {
      if (buffer === this.#headBuffer) this.#onBytes(buffer.subarray(0, n))
      else this.#onBody(n)
    } catch (error) {
      this.close(error as Error)
    }
    return !this.#closed
  }

  /** Handles heads, error bodies, and the start of a body that came with its head. */
  #onBytes(bytes: Uint8Array): void {
    let rest = bytes
    while (rest.length > 0) {
      const request = this.#requests[0]
      if (!request) throw badResponse('nobody asked for it')
      if (!this.#answer) {
        const parsed = this.#head.push(rest)
        if (!parsed) return
        rest = rest.subarray(parsed.consumed)
        this.#begin(request, parsed.head)
      } else if (this.#answer.status === 206) {
        const space = request.sink.space()
        const n = Math.min(space.length, rest.length)
        space.set(rest.subarray(0, n))
        rest = rest.subarray(n)
        this.#onBody(n)
      } else {
        const n = Math.min(this.#left, rest.length)
        this.#errorBody.push(Buffer.from(rest.subarray(0, n)))
        rest = rest.subarray(n)
        this.#left -= n
        if (this.#left === 0) this.#finishError(request)
      }
    }
  }

  #begin(request: RangeRequest, head: ResponseHead): void {
    this.#answer = head
    this.#left = head.contentLength
    if (head.status === 206) {
      const { start, end, size } = request
      if (head.contentLength !== end - start || head.contentRange !== `bytes ${start}-${end - 1}/${size}`)
        throw badResponse('it has another range than requested')
      return
    }
    if (head.contentLength > MAX_ERROR_BODY) throw badResponse(`status ${head.status} with a long body`)
    if (head.contentLength === 0) this.#finishError(request)
  }

  #onBody(n: number): void {
    const request = this.#requests[0]!
    this.#left -= n
    try {
      request.sink.advance(n)
    } catch (error) {
      if (!(error instanceof ShoalError && error.kind === 'storage')) throw error
      this.#drop(request, error)
    }
    if (this.#left === 0) this.#finish(request, null)
  }

  /** Settles a request whose local file failed. The peer is not at fault, so other requests continue. */
  #drop(request: RangeRequest, error: Error): void {
    request.sink.abandon()
    request.settle(error)
    setImmediate(() => this.closeIfAbandoned())
  }

  #finishError(request: RangeRequest): void {
    const text = Buffer.concat(this.#errorBody.splice(0)).toString()
    request.sink.release()
    this.#finish(request, responseError(this.#answer!.status, text))
  }

  #finish(request: RangeRequest, error: Error | null): void {
    const last = this.#answer?.keepAlive === false
    this.#answer = null
    this.#requests.shift()
    request.settle(error)
    if (last) this.close(new Error('the peer closed the connection'))
  }
}
