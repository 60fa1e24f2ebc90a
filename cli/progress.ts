import type { ProgressEvent, ProgressListener } from '../peer/control/api.ts'
import type { ProgressBar } from './progress-bar.ts'

export type ProgressMode = 'auto' | 'bar' | 'ndjson' | 'none'

export interface Progress {
  listener: ProgressListener
  /** Clears the bar; call it before anything else is written to the terminal. */
  close(): void
}

const NO_PROGRESS: Progress = { listener: () => {}, close: () => {} }

/** Renders what a peer tells of its uploads and downloads on `stream`, which is stderr. */
export async function createProgress(mode: ProgressMode, stream: NodeJS.WriteStream): Promise<Progress> {
  const chosen = mode === 'auto' ? (stream.isTTY ? 'bar' : 'none') : mode
  if (chosen === 'none') return NO_PROGRESS
  if (chosen === 'ndjson') return { ...NO_PROGRESS, listener: (event) => writeLine(event, stream) }
  const { ProgressBar } = await import('./progress-bar.ts')
  return barProgress(new ProgressBar(stream))
}

/** `chunk` events are how `-o -` is read: no progress. */
function writeLine(event: ProgressEvent, stream: NodeJS.WriteStream): void {
  if (event.event !== 'chunk') stream.write(`${JSON.stringify(event)}\n`)
}

function barProgress(bar: ProgressBar): Progress {
  const tally = new Tally()
  return {
    listener: (event) => {
      tally.add(event)
      if (event.event === 'start' || event.event === 'progress' || event.event === 'done') bar.show(tally)
    },
    close: () => bar.close(),
  }
}

interface FileProgress {
  done: number
  total: number
  rate: number
  peers: number
}

/** Several files at once as one: bytes done and to do, summed over the files that are under way or finished. */
export class Tally {
  readonly #files = new Map<string, FileProgress>()
  #name = ''
  done = 0
  total = 0
  /** Bytes a second. */
  rate = 0
  /** Peers of the file that was heard of last. */
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

  /** The one file's name, else how many there are. */
  get label(): string {
    return this.#files.size > 1 ? `${this.#files.size} files` : this.#name
  }

  /** Keeps the sums as it goes: adding up 100,000 files at each event would take longer than fetching them. */
  #set(name: string, { done, total, rate, peers }: FileProgress): void {
    const before = this.#files.get(name)
    this.done += done - (before?.done ?? 0)
    this.total += total - (before?.total ?? 0)
    this.rate += rate - (before?.rate ?? 0)
    this.peers = peers
    this.#files.set(name, { done, total, rate, peers })
  }
}
