import { setTimeout as delay } from 'node:timers/promises'
import { TokenBucket } from './token-bucket.ts'

/** Limits the rate of a flow of bytes that several senders share, first come first served. */
export class ByteLimit {
  #bucket: TokenBucket

  /** Bytes a second, 0 for no limit. */
  constructor(rate: number) {
    this.#bucket = new TokenBucket(rate, performance.now())
  }

  setRate(rate: number): void {
    this.#bucket = new TokenBucket(rate, performance.now())
  }

  /** The largest piece to send at once. Under a limit, small pieces keep the flow even and fair. */
  stepSize(unlimited: number): number {
    const { rate } = this.#bucket
    return rate === 0 ? unlimited : Math.max(16 * 1024, Math.min(unlimited, Math.floor(rate / 20)))
  }

  /** Resolves when `bytes` may be sent; rejects when the signal aborts. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const wait = this.#bucket.take(bytes, performance.now())
    if (wait > 0) await delay(wait, undefined, { signal })
  }
}
