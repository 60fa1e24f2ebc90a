import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { answerClientError } from '../http/errors.ts'
import { type FastPath, JSON_TYPE } from './fast-path.ts'
import { readPlainRequest } from './plain-request.ts'

type Accept = (this: Server, socket: Socket) => void

export interface FrontLimits {
  /** Milliseconds until a connection that sent nothing is closed. */
  headersTimeout: number
  /** Milliseconds for which an idle connection stays open. */
  keepAliveTimeout: number
}

/**
 * Reads announces and heartbeats from connections before Node's HTTP server does: creating and finishing its request
 * and response objects costs as much as answering them. On the first request of any other kind, or one that `fastPath`
 * does not answer, the server takes over the connection permanently, with all bytes of that request. So the server decides
 * everything that is not plainly an announce or a heartbeat.
 *
 * Only for servers without TLS. Where a server accepts connections in another way (Deno), this does nothing.
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

/** A connection that has sent only announces and heartbeats so far. */
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

  /** Between two requests, the client loses nothing. */
  close(): void {
    if (this.#busy) this.#closing = true
    else this.#socket.destroySoon()
  }

  readonly #onData = (chunk: Buffer): void => {
    // If the client does not read its answers, leave it to the server, which applies backpressure.
    const request = this.#socket.writableLength > 0 ? null : readPlainRequest(chunk)
    const answer =
      request === null || this.#address === undefined
        ? null
        : this.#fastPath.answer(request.target, request.authorization, this.#address, request.body)
    if (typeof answer === 'string') this.#send(answer)
    else if (answer === null) this.#handOver(chunk)
    else this.#wait(answer, chunk).catch(this.#onError)
  }

  /** Pauses reading until the answer is there. */
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
      // One second more than promised, for a request that is on its way: Node does the same.
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
    // Put it back before anything read since.
    socket.unshift(chunk)
    this.#accept()
    process.nextTick(() => socket.resume())
  }
}

const START = `HTTP/1.1 200 OK\r\ncontent-type: ${JSON_TYPE}\r\n`

let dated = 0
let date = ''
/** The current time as an HTTP date (RFC 9110, 5.6.7), formatted once a second. */
function httpDate(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== dated) {
    dated = second
    date = new Date(second * 1000).toUTCString()
  }
  return date
}
