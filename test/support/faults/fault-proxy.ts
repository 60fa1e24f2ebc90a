import {
  type AddressInfo,
  connect,
  createServer,
  type NetConnectOpts,
  type Server,
  type Socket,
} from 'node:net'
import { seededRandom } from '../../../testkit/random.ts'
import { type Faults, FaultyLane } from './faulty-lane.ts'

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
  /** Makes a filter per connection that its answers pass through. */
  replies?: () => (piece: Buffer) => Buffer
}

interface Pair {
  client: Socket
  upstream: Socket | null
}

/** A TCP proxy on a free local port whose faults a test can change at run time. */
export class FaultProxy {
  readonly port: number
  /** Answers dropped or cut so far. */
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

  /** `upstream` is { host, port }, or { path } for a unix socket. */
  static async start(upstream: NetConnectOpts, options: ProxyOptions = {}): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new FaultProxy(server, upstream, options)
  }

  get connections(): number {
    return this.#pairs.size
  }

  /** Changes these faults and keeps the others. */
  set(faults: Partial<Faults>): void {
    this.#faults = { ...this.#faults, ...faults }
    for (const listener of this.#onChange) listener()
  }

  /** Ends all faults. Held data arrives; lost data stays lost. */
  heal(): void {
    this.set(HEALTHY)
  }

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
    // A host that is cut off opens no upstream connection either.
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
    // A unix socket cannot be reset; its peer sees an end.
    if ('path' in this.#upstream) pair.upstream?.destroy()
    else pair.upstream?.resetAndDestroy()
  }
}
