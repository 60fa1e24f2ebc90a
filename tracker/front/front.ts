import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { answerClientError } from '../http/errors.ts'
import { type FastPath, JSON_TYPE } from './fast-path.ts'
import { readPlainRequest } from './plain-request.ts'

type Accept = (this: Server, socket: Socket) => void

export interface FrontLimits {
  /** Milliseconds until a connection that never said anything is cut off. */
  headersTimeout: number
  /** Milliseconds for which one stays open without a request. */
  keepAliveTimeout: number
}

/**
 * Reads announces and heartbeats from connections before Node's HTTP server has them: to make and end its request
 * and response costs it as much as all that they ask for. With the first request that is anything else, or for which
 * the fastPath has no answer, the server takes the connection over, for good, with all bytes of that request. So it
 * decides on everything that is not plainly an announce or a heartbeat.
 *
 * For servers without TLS. Where the server takes its connections in another way (Deno), nothing changes.
 */
export function putInFront(server: Server, fastPath: FastPath, limits: FrontLimits): void {
  const [accept, ...others] = server.listeners('connection') as Accept[]
  if (accept === undefined || others.length > 0) return
  const waiting = new Set<Front>()
  let watching = false
  server.removeListener('connection', accept)
  server.on('connection', (socket: Socket) => {
    if (!fastPath.isOpen) return accept.call(server, socket)
    if (!watching) {
      watching = true
      fastPath.onClose(() => {
        for (const front of waiting) front.close()
      })
    }
    new Front(socket, fastPath, limits, waiting, () => accept.call(server, socket))
  })
}

/** A connection that has brought nothing but announces and heartbeats so far. */
class Front {
  readonly #socket: Socket
  readonly #address: string | undefined
  readonly #fastPath: FastPath
  readonly #limits: FrontLimits
  readonly #waiting: Set<Front>
  readonly #accept: () => void
  #answered = false
  #busy = false
  #closing = false

  constructor(
    socket: Socket,
    fastPath: FastPath,
    limits: FrontLimits,
    waiting: Set<Front>,
    accept: () => void,
  ) {
    this.#socket = socket
    this.#address = socket.remoteAddress
    this.#fastPath = fastPath
    this.#limits = limits
    this.#waiting = waiting
    this.#accept = accept
    waiting.add(this)
    socket.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError)
    socket.on('close', this.#onClose).on('timeout', this.#onTimeout).setTimeout(limits.headersTimeout)
  }

  /** Between two requests there is nothing that a client could miss. */
  close(): void {
    if (this.#busy) this.#closing = true
    else this.#socket.destroySoon()
  }

  readonly #onData = (chunk: Buffer): void => {
    // A client that does not read its answers is for the server, which knows how to hold it back.
    const request = this.#socket.writableLength > 0 ? null : readPlainRequest(chunk)
    const answer =
      request === null || this.#address === undefined
        ? null
        : this.#fastPath.answer(request.target, request.authorization, this.#address, request.body)
    if (typeof answer === 'string') this.#send(answer)
    else if (answer === null) this.#handOver(chunk)
    else this.#wait(answer, chunk).catch(this.#onError)
  }

  /** Nothing more is read meanwhile. */
  async #wait(answer: Promise<string | null>, chunk: Buffer): Promise<void> {
    this.#busy = true
    this.#socket.pause()
    const body = await answer
    this.#busy = false
    if (this.#socket.destroyed) return
    if (body === null) {
      this.#handOver(chunk)
      return
    }
    this.#send(body)
    if (this.#closing) this.#socket.destroySoon()
    else this.#socket.resume()
  }

  readonly #onEnd = (): void => {
    this.#socket.end()
  }

  readonly #onError = (): void => {
    this.#socket.destroy()
  }

  readonly #onClose = (): void => {
    this.#waiting.delete(this)
  }

  readonly #onTimeout = (): void => {
    if (this.#busy) return
    if (this.#answered) this.#socket.destroySoon()
    else answerClientError({ name: 'Error', message: '', code: 'ERR_HTTP_REQUEST_TIMEOUT' }, this.#socket)
  }

  #send(body: string): void {
    if (!this.#answered) {
      this.#answered = true
      // A second more than is promised, since a request may be on its way when it ends: as Node does.
      this.#socket.setTimeout(this.#limits.keepAliveTimeout + 1000)
    }
    const length = `content-length: ${body.length}\r\nDate: ${httpDate()}\r\n`
    const keepAlive = `Keep-Alive: timeout=${Math.floor(this.#limits.keepAliveTimeout / 1000)}\r\n`
    this.#socket.write(`${START}${length}Connection: keep-alive\r\n${keepAlive}\r\n${body}`, 'latin1')
  }

  #handOver(chunk: Buffer): void {
    const socket = this.#socket
    this.#waiting.delete(this)
    socket.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError)
    socket.off('close', this.#onClose).off('timeout', this.#onTimeout).setTimeout(0)
    socket.pause()
    // Goes before what may have been read since.
    socket.unshift(chunk)
    this.#accept()
    process.nextTick(() => socket.resume())
  }
}

const START = `HTTP/1.1 200 OK\r\ncontent-type: ${JSON_TYPE}\r\n`

let dated = 0
let date = ''
/** The time in HTTP's form (RFC 9110, 5.6.7), made once a second. */
function httpDate(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== dated) {
    dated = second
    date = new Date(second * 1000).toUTCString()
  }
  return date
}
