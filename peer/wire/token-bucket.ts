/**
 * A token bucket (the single rate of RFC 2697): `rate` bytes a second with bursts of a tenth of a second, which
 * keeps any second within a few per cent of the rate. Pure: the caller passes the time.
 */
export class TokenBucket {
  readonly rate: number
  /** Bytes that may be sent now; negative while senders wait. */
  #tokens: number
  #updated: number

  /** `rate` in bytes a second, 0 for no limit; `now` in milliseconds. */
  constructor(rate: number, now: number) {
    this.rate = rate
    this.#tokens = rate / 10
    this.#updated = now
  }

  /** Takes `bytes` and returns the milliseconds to wait before sending them. */
  take(bytes: number, now: number): number {
    if (this.rate === 0) return 0
    this.#tokens = Math.min(this.rate / 10, this.#tokens + ((now - this.#updated) * this.rate) / 1000)
    this.#updated = now
    this.#tokens -= bytes
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.rate) * 1000
  }
}
