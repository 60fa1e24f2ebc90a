import { setTimeout as delay } from 'node:timers/promises'
import type { Served } from '../../tracker/api/packed-files.ts'
import type { Announced } from '../../tracker/api/schemas.ts'
import { backOff } from '../../tracker/client/back-off.ts'
import type { TrackerClient } from '../../tracker/client/client.ts'
import type { Library } from '../serve/library.ts'

/** Changes are announced at once, but no more often than this: a folder's files share one announce. */
const PAUSE_MS = 500
/** Waits after failures: at the end about as long as between heartbeats, so that as few come at once. */
const FIRST_RETRY_MS = 2000
const LAST_RETRY_MS = 10_000

/**
 * Tells the tracker what this peer serves: in full when the set changes or the tracker asks for it, with a
 * small heartbeat in between. A tracker that is away only delays it.
 */
export class Announcer {
  readonly #client: TrackerClient
  readonly #library: Library
  readonly #self: { peer: string; port: number; tls: boolean }
  readonly #prepare: () => Promise<void>
  readonly #stop = new AbortController()
  /** Starts at the clock, so that a restarted peer's announces are newer than those before. */
  #sequence = Date.now()
  /** The sequence that a tracker last acknowledged in full. */
  #acknowledged = 0
  #wake: (() => void) | null = null
  #running: Promise<void> | null = null

  /** `prepare` does what this peer needs before others are sent to it; while it fails nothing is announced. */
  constructor(
    client: TrackerClient,
    library: Library,
    self: { peer: string; port: number; tls: boolean },
    prepare: () => Promise<void>,
  ) {
    this.#client = client
    this.#library = library
    this.#self = self
    this.#prepare = prepare
  }

  start(): void {
    this.#library.onChange(() => this.announceSoon())
    this.#running = this.#run()
  }

  announceSoon(): void {
    this.#sequence++
    this.#wake?.()
  }

  /** Says goodbye, so that nobody is sent here any more; gives up quickly where no tracker answers. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
    if (this.#acknowledged === 0) return
    const goodbye = this.#client.announce({
      ...this.#self,
      sequence: ++this.#sequence,
      leaving: true,
      files: [],
    })
    await Promise.race([goodbye.catch(() => {}), delay(1000, undefined, { ref: false })])
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#stop.signal.aborted) {
      const nextMs = await this.#announce().catch(() => null)
      failures = nextMs === null ? failures + 1 : 0
      await this.#pause(PAUSE_MS)
      if (nextMs === null)
        await this.#pause(backOff(failures, FIRST_RETRY_MS, LAST_RETRY_MS, Math.random()), true)
      else if (this.#sequence === this.#acknowledged) await this.#pause(nextMs, true)
    }
  }

  /** Milliseconds until the next heartbeat. */
  async #announce(): Promise<number> {
    await this.#prepare()
    const sequence = this.#sequence
    const full = (): Promise<Announced> =>
      this.#client.announce({ ...this.#self, sequence, files: this.#files() })
    let answer =
      sequence === this.#acknowledged ? await this.#client.heartbeat(this.#self.peer, sequence) : await full()
    if (answer.resync) answer = await full()
    this.#acknowledged = sequence
    return answer.interval * 1000
  }

  *#files(): Generator<Served> {
    for (const { fileId, groups, have } of this.#library.values())
      for (const group of groups) yield { group, fileId, complete: have.isFull }
  }

  /** Waits; with `wakeable`, a change of the library cuts it short. */
  async #pause(ms: number, wakeable = false): Promise<void> {
    const woken = new AbortController()
    this.#wake = wakeable ? () => woken.abort() : null
    await delay(ms, undefined, { signal: AbortSignal.any([this.#stop.signal, woken.signal]) }).catch(() => {})
    this.#wake = null
  }
}
