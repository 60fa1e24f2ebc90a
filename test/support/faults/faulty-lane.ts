import type { Socket } from 'node:net'

/** The faults that a proxy applies to its connections until they change. */
export interface Faults {
  /** Milliseconds of delay per piece of data, each way. */
  latencyMs: number
  /** Up to this many more, at random. Pieces stay in order. */
  jitterMs: number
  /** Limit per connection, each way. */
  bytesPerSecond: number
  /** Resets new connections. Open ones stay; `cut` ends them. */
  refuse: boolean
  /** Connections open and stay open, but nothing passes either way, not even their end, until this is switched off. */
  halfOpen: boolean
  /** Forwards requests but loses the answers. */
  dropReplies: boolean
  /** Share of answers, 0 to 1, that are replaced by a reset after the request was served. */
  cutReplies: number
}

/** Pause the sender beyond this many bytes in flight. */
const IN_FLIGHT = 1024 * 1024

export interface LaneOptions {
  faults: () => Faults
  random: () => number
  /** Resets the connection, both halves. */
  reset: () => void
  /** Called for each answer that is dropped or cut. */
  onLost: () => void
  /** Set if the lane carries answers: a filter for each piece. */
  reply?: (piece: Buffer) => Buffer
}

/** Data, or its end, orderly or by an error. */
type Piece = { data: Buffer; due: number } | { end: 'fin' | 'reset'; due: number }

/** One direction of one connection through a fault proxy. */
export class FaultyLane {
  readonly #from: Socket
  readonly #to: Socket
  readonly #options: LaneOptions
  readonly #pieces: Piece[] = []
  #bytes = 0
  /** When the last piece arrives; no piece overtakes it. */
  #lastDue = 0
  #timer: NodeJS.Timeout | undefined

  constructor(from: Socket, to: Socket, options: LaneOptions) {
    this.#from = from
    this.#to = to
    this.#options = options
    from.on('data', (data: Buffer) => this.#send({ data, due: this.#dueOf(data.length) }))
    from.on('end', () => this.#send({ end: 'fin', due: this.#dueOf(0) }))
    from.on('close', (failed) => failed && this.#send({ end: 'reset', due: this.#dueOf(0) }))
    from.on('error', () => {})
    from.resume()
  }

  /** Delivers the pieces that are due. Called again whenever the faults change. */
  wake(): void {
    clearTimeout(this.#timer)
    if (this.#options.faults().halfOpen) return
    const now = performance.now()
    for (let next = this.#pieces[0]; next !== undefined && next.due <= now; next = this.#pieces[0]) {
      this.#pieces.shift()
      this.#deliver(next)
    }
    const next = this.#pieces[0]
    if (next !== undefined) this.#timer = setTimeout(() => this.wake(), next.due - now)
    if (this.#bytes <= IN_FLIGHT) this.#from.resume()
  }

  #dueOf(bytes: number): number {
    const { latencyMs, jitterMs, bytesPerSecond } = this.#options.faults()
    const arrival = performance.now() + latencyMs + jitterMs * this.#options.random()
    this.#lastDue = Math.max(this.#lastDue, arrival) + (bytes / bytesPerSecond) * 1000
    return this.#lastDue
  }

  #send(piece: Piece): void {
    this.#pieces.push(piece)
    if ('data' in piece) this.#bytes += piece.data.length
    if (this.#bytes > IN_FLIGHT) this.#from.pause()
    this.wake()
  }

  #deliver(piece: Piece): void {
    if (!('data' in piece)) {
      if (piece.end === 'fin') this.#to.end()
      else this.#options.reset()
      return
    }
    this.#bytes -= piece.data.length
    if (this.#options.reply) this.#answer(this.#options.reply(piece.data))
    else this.#to.write(piece.data)
  }

  #answer(data: Buffer): void {
    const { faults, random, reset, onLost } = this.#options
    const { dropReplies, cutReplies } = faults()
    const cut = cutReplies > 0 && random() < cutReplies
    if (cut || dropReplies) onLost()
    if (cut) reset()
    else if (!dropReplies) this.#to.write(data)
  }
}
