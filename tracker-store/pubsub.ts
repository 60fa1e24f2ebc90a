import type { Redis } from 'ioredis'
import type { Background } from '../packed/background.ts'
import { storeError } from './database.ts'

/** Messages stay bytes: a long one is often this process's own, returned to it, and need not be decoded. */
type Handler = (message: Buffer) => void

const ANSWER_MS = 800

/**
 * The shared pub/sub connection. Pub/sub drops messages that it cannot deliver, so listeners are told of every
 * reconnect (`onRestored`), once all channels are subscribed again.
 */
export class PubSub {
  readonly #redis: Redis
  readonly #handlers = new Map<string, Set<Handler>>()
  readonly #restored = new Set<() => void>()
  readonly #lost = new Set<() => void>()

  constructor(redis: Redis, background: Background) {
    this.#redis = redis
    // A bad message from another replica must not end this process.
    const failed = background.owner('reading a message of another replica', 'its changes are missed')
    redis.on('messageBuffer', (channel: Buffer, message: Buffer) => {
      for (const handler of this.#handlers.get(channel.toString()) ?? [])
        try {
          handler(message)
        } catch (error) {
          failed(error)
        }
    })
    redis.on('close', () => {
      for (const listener of this.#lost) listener()
    })
    const unrestored = background.owner('subscribing again', 'the next connection check retries it')
    redis.on('ready', () => this.#restore().catch(unrestored))
  }

  get connected(): boolean {
    return this.#redis.status === 'ready'
  }

  /** Resolves once messages arrive. While disconnected it resolves at once, and `onRestored` follows. */
  async subscribe(channel: string, handler: Handler): Promise<void> {
    const handlers = this.#handlers.get(channel)
    if (handlers) handlers.add(handler)
    else this.#handlers.set(channel, new Set([handler]))
    if (this.connected) await this.#answered(this.#redis.subscribe(channel))
  }

  unsubscribe(channel: string, handler: Handler): void {
    const handlers = this.#handlers.get(channel)
    if (!handlers?.delete(handler) || handlers.size > 0) return
    this.#handlers.delete(channel)
    if (this.connected) this.#redis.unsubscribe(channel).catch(() => {})
  }

  onRestored(listener: () => void): void {
    this.#restored.add(listener)
  }

  onLost(listener: () => void): void {
    this.#lost.add(listener)
  }

  /** Reconnects if the connection no longer answers (the other end vanished silently). */
  async check(): Promise<void> {
    if (!this.connected) return
    await this.#answered(this.#redis.ping()).catch(() => this.#redis.disconnect(true))
  }

  async #restore(): Promise<void> {
    const channels = [...this.#handlers.keys()]
    try {
      if (channels.length > 0) await this.#answered(this.#redis.subscribe(...channels))
    } catch {
      this.#redis.disconnect(true)
      return
    }
    for (const listener of this.#restored) listener()
  }

  /** Rejects if the connection closes or the reply is late; ioredis would wait for the next connection. */
  #answered<T>(reply: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const fail = (error: unknown): void => reject(storeError(error))
    const timer = setTimeout(() => fail(new Error('no reply in time')), ANSWER_MS)
    const onLost = (): void => fail(new Error('the connection was lost'))
    this.#lost.add(onLost)
    reply.then(resolve, fail)
    return promise.finally(() => {
      clearTimeout(timer)
      this.#lost.delete(onLost)
    })
  }
}
