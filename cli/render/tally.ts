import type { ProgressEvent } from '../../peer/control/api.ts'

interface FileProgress {
  done: number
  total: number
  rate: number
  peers: number
}

/** Combines several files into one: bytes done and total, summed over running and finished files. */
export class Tally {
  readonly #files = new Map<string, FileProgress>()
  #name = ''
  done = 0
  total = 0
  /** Bytes per second. */
  rate = 0
  /** Peers of the file that last reported. */
  peers = 0

  add(event: ProgressEvent): void {
    if ('name' in event) this.#name = event.name
    if (event.event === 'start') this.#set(event.name, { done: 0, total: event.total, rate: 0, peers: 0 })
    if (event.event === 'progress') this.#set(event.name, event)
    if (event.event === 'done') {
      const total = this.#files.get(event.name)?.total ?? 0
      this.#set(event.name, { done: total, total, rate: 0, peers: this.peers })
    }
  }

  /** The file's name, or the number of files. */
  get label(): string {
    return this.#files.size > 1 ? `${this.#files.size} files` : this.#name
  }

  /** Updates the sums incrementally: summing 100,000 files at each event would take longer than fetching them. */
  #set(name: string, { done, total, rate, peers }: FileProgress): void {
    const before = this.#files.get(name)
    this.done += done - (before?.done ?? 0)
    this.total += total - (before?.total ?? 0)
    this.rate += rate - (before?.rate ?? 0)
    this.peers = peers
    this.#files.set(name, { done, total, rate, peers })
  }
}
