import type { ProgressEvent } from './api.ts'

const WINDOW_MS = 3000

/** Counts bytes and their rate over the last seconds. Pure: the caller passes the time in milliseconds. */
export class ProgressMeter {
  readonly #name: string
  readonly #total: number
  readonly #samples: { at: number; done: number }[] = []
  done = 0

  constructor(name: string, total: number) {
    this.#name = name
    this.#total = total
  }

  add(bytes: number, now: number): void {
    if (this.#samples.length === 0) this.#samples.push({ at: now, done: this.done })
    this.done += bytes
    const last = this.#samples.at(-1)!
    if (now - last.at > WINDOW_MS / 20) this.#samples.push({ at: now, done: this.done })
  }

  /** Bytes a second. */
  rate(now: number): number {
    while (this.#samples.length > 1 && now - this.#samples[1]!.at > WINDOW_MS) this.#samples.shift()
    const oldest = this.#samples[0]
    if (!oldest || now <= oldest.at) return 0
    return Math.round(((this.done - oldest.done) / (now - oldest.at)) * 1000)
  }

  event(now: number, peers: number): ProgressEvent {
    const rate = this.rate(now)
    const eta = rate > 0 ? Math.ceil((this.#total - this.done) / rate) : null
    return { event: 'progress', name: this.#name, done: this.done, total: this.#total, rate, peers, eta }
  }
}
