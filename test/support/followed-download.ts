import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Home } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'

interface Event {
  event: string
  done?: number
  total?: number
  state?: string
}

interface Outcome {
  code: number | null
  files?: { bytesFetched: number; bytesReused: number }[]
  error?: { code: string; message: string }
}

/** A `peer download` that a test watches by its progress events. */
export class FollowedDownload {
  readonly events: Event[] = []
  readonly #command: ChildProcess
  #output = ''

  constructor(home: Home, ...words: string[]) {
    this.#command = home.spawn(['peer', 'download', ...words, '--progress', 'ndjson', '--json'])
    this.#command.stdout!.on('data', (part: Buffer) => {
      this.#output += part
    })
    createInterface({ input: this.#command.stderr! }).on('line', (text) => {
      if (text.startsWith('{"event')) this.events.push(JSON.parse(text))
    })
  }

  /** Resolves once more than `bytes` are here. */
  async has(bytes: number): Promise<void> {
    await until(() => this.events.some(({ done }) => (done ?? 0) > bytes), 20_000)
  }

  async end(): Promise<Outcome> {
    if (this.#command.exitCode === null) await once(this.#command, 'close')
    return { code: this.#command.exitCode, ...JSON.parse(this.#output) }
  }

  count(event: string): number {
    return this.events.filter((one) => one.event === event).length
  }

  /** States of peers that were blamed. */
  get blamed(): string[] {
    return this.events.flatMap(({ state }) => (state === 'left' || state === 'banned' ? state : []))
  }
}
