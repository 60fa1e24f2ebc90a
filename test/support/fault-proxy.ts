import {
  type AddressInfo,
  connect,
  createServer,
  type NetConnectOpts,
  type Server,
  type Socket,
} from 'node:net'
import { seededRandom } from '../../bench/simulate/random.ts'
import { FaultyLane } from './faulty-lane.ts'

/** What a proxy does to the connections through it, from now on, until it is told otherwise. */
export interface Faults {
  /** Milliseconds that each piece of data takes, each way. */
  latencyMs: number
  /** Up to so many more, at random. Pieces stay in order. */
  jitterMs: number
  /** Each way, for each connection. */
  bytesPerSecond: number
  /** New connections are reset. Those that are open stay: `cut` ends them. */
  refuse: boolean
  /** Connections open and stay open, but nothing passes either way, not even their end, until this is over. */
  halfOpen: boolean
  /** Requests go through, answers are lost. */
  dropReplies: boolean
  /** Share, 0 to 1, of the answers in whose place the connection is reset: the request was served. */
  cutReplies: number
}

const HEALTHY: Faults = {
  latencyMs: 0,
  jitterMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  refuse: false,
  halfOpen: false,
  dropReplies: false,
  cutReplies: 0,
}

export interface ProxyOptions {
  seed?: number
  /** Makes, for each connection, what its answers pass through on their way back. */
  replies?: () => (piece: Buffer) => Buffer
}

interface Pair {
  client: Socket
  upstream: Socket | null
}

/** A TCP proxy on a free local port, whose faults a test switches while it runs. */
export class FaultProxy {
  readonly port: number
  /** Answers that were dropped or cut so far. */
  lost = 0
  readonly #server: Server
  readonly #upstream: NetConnectOpts
  readonly #random: () => number
  readonly #replies: ProxyOptions['replies']
  readonly #pairs = new Set<Pair>()
  #faults: Faults = HEALTHY
  readonly #onChange = new Set<() => void>()

  private constructor(server: Server, upstream: NetConnectOpts, { seed = 1, replies }: ProxyOptions) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    this.#upstream = upstream
    this.#random = seededRandom(seed)
    this.#replies = replies
    server.on('connection', (client) => this.#accept(client))
  }

  /** `upstream`: { host, port } or { path } of a unix socket. */
  static async start(upstream: NetConnectOpts, options: ProxyOptions = {}): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new FaultProxy(server, upstream, options)
  }

  get connections(): number {
    return this.#pairs.size
  }

  /** Changes these faults and leaves the others. */
  set(faults: Partial<Faults>): void {
    this.#faults = { ...this.#faults, ...faults }
    for (const listener of this.#onChange) listener()
  }

  /** Ends all faults: what was held back arrives, what was lost stays lost. */
  heal(): void {
    this.set(HEALTHY)
  }

  /** Resets all connections. */
  cut(): void {
    for (const pair of this.#pairs) this.#reset(pair)
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(client: Socket): void {
    client.on('error', () => {})
    const pair: Pair = { client, upstream: null }
    if (this.#faults.refuse) this.#reset(pair)
    else this.#await(pair)
  }

  #await(pair: Pair): void {
    this.#pairs.add(pair)
    // A host that is cut off opens no connection at the other end either.
    const dial = (): void => {
      if (this.#faults.halfOpen) return
      this.#onChange.delete(dial)
      if (this.#pairs.has(pair)) this.#dial(pair)
    }
    this.#onChange.add(dial)
    dial()
  }

  #dial(pair: Pair): void {
    const upstream = connect({ ...this.#upstream, allowHalfOpen: true })
    pair.upstream = upstream
    const faults = (): Faults => this.#faults
    const reset = (): void => this.#reset(pair)
    const onLost = (): void => {
      this.lost++
    }
    const options = { faults, random: this.#random, reset, onLost }
    const requests = new FaultyLane(pair.client, upstream, options)
    const answers = new FaultyLane(upstream, pair.client, {
      ...options,
      reply: this.#replies?.() ?? ((piece) => piece),
    })
    const wake = (): void => {
      requests.wake()
      answers.wake()
    }
    this.#onChange.add(wake)
    const onClose = (): void => {
      if (!upstream.closed || !pair.client.closed) return
      this.#onChange.delete(wake)
      this.#pairs.delete(pair)
    }
    upstream.on('close', onClose)
    pair.client.on('close', onClose)
  }

  #reset(pair: Pair): void {
    this.#pairs.delete(pair)
    pair.client.resetAndDestroy()
    // A unix socket has no reset: its peer sees an end.
    if ('path' in this.#upstream) pair.upstream?.destroy()
    else pair.upstream?.resetAndDestroy()
  }
}
