import type { Socket } from 'node:net'
import { ShoalError } from '../../protocol/errors.ts'
import { PEER_PORT_HEADER } from '../../protocol/peer-wire.ts'
import type { PeerAddress } from '../../protocol/records.ts'
import { type Credentials, connectPinned } from '../wire/pinned-connect.ts'
import type { ChunkSink } from './chunk-sink.ts'
import { bad, HeadCollector, MAX_ERROR_BODY, type ResponseHead, refusal } from './response-parser.ts'

export interface RangeRequest {
  path: string
  grant: string
  /** Bytes [start, end) of a file of `size`. */
  start: number
  end: number
  size: number
  sink: ChunkSink
  /** Called with null when every chunk was verified and written, else with the error; only the first call counts. */
  settle(error: Error | null): void
}

/** A request's answer must go on arriving: this long without a byte and the peer counts as stalled. */
export const STALL_MS = 3000
const HEAD_BUFFER = 16 * 1024

/**
 * One connection to one peer: range requests pipelined in order (RFC 9112, 9.3.2), bodies read straight into
 * chunk buffers. An error on it settles every request that is under way; it is never used again.
 */
export class FetchConnection {
  readonly target: PeerAddress
  readonly #ownPort: number
  readonly #requests: RangeRequest[] = []
  readonly #head = new HeadCollector()
  readonly #headBuffer = Buffer.allocUnsafeSlow(HEAD_BUFFER)
  readonly #onClose: (connection: FetchConnection) => void
  #socket: Socket | null = null
  /** The head of the answer whose body is arriving. */
  #answer: ResponseHead | null = null
  #errorBody: Buffer[] = []
  #left = 0
  /** When something was last seen to have arrived. */
  #heardAt = performance.now()
  /** Something has arrived since: asking the clock at each record of 16 KiB would cost more than parsing it. */
  #heard = false
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
    if (this.#requests.length === 0) this.#heardAt = performance.now()
    this.#requests.push(request)
    if (this.#socket) this.#send(request)
  }

  /** Ends when none of the answers under way is wanted any more. */
  closeIfAbandoned(): void {
    if (this.#requests.every(({ sink }) => sink.abandoned)) this.close(new Error('it is not wanted any more'))
  }

  /**
   * Closes as stalled when an answer is due and nothing has arrived for STALL_MS. Called now and then; after a pause of
   * this process (`paused`) the peer has that time once more.
   */
  checkStall(paused: boolean): void {
    const now = performance.now()
    if (this.#heard || paused) this.#heardAt = now
    this.#heard = false
    if (this.#requests.length > 0 && this.#socket && now - this.#heardAt > STALL_MS)
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
    this.#heardAt = performance.now()
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

  /** Where the next read goes: a body's bytes into their chunk, never past it; heads into a buffer of their own. */
  #space(): Uint8Array {
    const request = this.#requests[0]
    return request && this.#answer?.status === 206 ? request.sink.space() : this.#headBuffer
  }

  #onData(n: number, buffer: Uint8Array): boolean {
    this.#heard = true
    try {
      if (buffer === this.#headBuffer) this.#onBytes(buffer.subarray(0, n))
      else this.#onBody(n)
    } catch (error) {
      this.close(error as Error)
    }
    return !this.#closed
  }

  /** Bytes that were not read into place: heads, error bodies, and the start of a body behind its head. */
  #onBytes(bytes: Uint8Array): void {
    let rest = bytes
    while (rest.length > 0) {
      const request = this.#requests[0]
      if (!request) throw bad('it sends what nobody asked for')
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
        throw bad('it is another range than the one asked for')
      return
    }
    if (head.contentLength > MAX_ERROR_BODY) throw bad(`status ${head.status} with a long body`)
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

  /** The local file failed: that is not the peer's doing, and the other files that come over this go on. */
  #drop(request: RangeRequest, error: Error): void {
    request.sink.abandon()
    request.settle(error)
    setImmediate(() => this.closeIfAbandoned())
  }

  #finishError(request: RangeRequest): void {
    const text = Buffer.concat(this.#errorBody.splice(0)).toString()
    request.sink.release()
    this.#finish(request, refusal(this.#answer!.status, text))
  }

  #finish(request: RangeRequest, error: Error | null): void {
    const last = this.#answer?.keepAlive === false
    this.#answer = null
    this.#requests.shift()
    request.settle(error)
    if (last) this.close(new Error('the peer closed the connection'))
  }
}
