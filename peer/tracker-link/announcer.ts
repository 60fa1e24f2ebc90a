import { setTimeout as delay } from 'node:timers/promises'
import { backOff } from '../../protocol/back-off.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { type KeyPair, signHello } from '../../protocol/hello.ts'
import type { Served } from '../../tracker-client/api/packed-files.ts'
import type { Announced } from '../../tracker-client/api/schemas.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'
import type { Library } from '../serve/library.ts'
import { steadyNow } from '../wire/steady-clock.ts'

/** Least time between two announces, so that a folder's files share one. */
const PAUSE_MS = 500
/** Waits after failures. The longest is about a heartbeat interval, so that a recovering tracker gets no burst. */
const FIRST_RETRY_MS = 2000
const LAST_RETRY_MS = 10_000

const FAULTS: Record<NonNullable<Announced['fault']>, (port: number) => string> = {
  unreachable: (port) => `the tracker cannot reach this peer at port ${port}: nobody is sent here`,
  'wrong certificate': (port) =>
    `another certificate answers at port ${port} of this peer's address: nobody is sent here`,
}

/** The tracker refuses a sequence that is further ahead of its clock (docs/protocol.md). */
const MAX_AHEAD_MS = 60_000

const isUnproven = (error: unknown): boolean => error instanceof ShoalError && error.code === 'PEER_UNPROVEN'

/**
 * Announces to the tracker what this peer serves: in full when the set changes or the tracker asks for it, and with
 * a small heartbeat in between. It retries while no tracker answers.
 */
export class Announcer {
  readonly #client: TrackerClient
  readonly #library: Library
  readonly #self: { peer: string; port: number; tls: boolean }
  readonly #keys: KeyPair
  readonly #prepare: () => Promise<void>
  readonly #warn: (message: string) => void
  readonly #stop = new AbortController()
  /** Starts at the clock's time, so that a restarted peer's announces are newer than its earlier ones. */
  #sequence = Math.floor(steadyNow())
  #changed = false
  /** The sequence that a tracker last acknowledged in full. */
  #acknowledged = 0
  /** Not repeated. */
  #lastWarning = ''
  #wake: (() => void) | null = null
  #running: Promise<void> | null = null

  /** `prepare` must succeed before each announce, since the tracker then sends other peers here. */
  constructor(
    client: TrackerClient,
    library: Library,
    self: { keys: KeyPair; port: number; tls: boolean },
    prepare: () => Promise<void>,
    warn: (message: string) => void,
  ) {
    this.#client = client
    this.#library = library
    this.#self = { peer: self.keys.peer, port: self.port, tls: self.tls }
    this.#keys = self.keys
    this.#prepare = prepare
    this.#warn = warn
  }

  start(): void {
    this.#library.onChange(() => this.announceSoon())
    this.#running = this.#run()
  }

  announceSoon(): void {
    this.#changed = true
    this.#wake?.()
  }

  /** Announces that this peer leaves, so that nobody is sent here. Gives up after a second. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
    if (this.#acknowledged === 0) return
    const goodbye = this.#client.announce({
      ...this.#self,
      sequence: this.#nextSequence(),
      leaving: true,
      files: [],
    })
    await Promise.race([goodbye.catch(() => {}), delay(1000, undefined, { ref: false })])
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#stop.signal.aborted) {
      const nextMs = await this.#announce().catch((error: unknown) => this.#failed(error))
      failures = nextMs === null ? failures + 1 : 0
      await this.#pause(PAUSE_MS)
      if (nextMs === null)
        await this.#pause(backOff(failures, FIRST_RETRY_MS, LAST_RETRY_MS, Math.random()), true)
      else if (!this.#changed) await this.#pause(nextMs, true)
    }
  }

  /** Returns the milliseconds until the next heartbeat. */
  async #announce(): Promise<number> {
    await this.#prepare()
    if (this.#changed || this.#isAhead) this.#nextSequence()
    const sequence = this.#sequence
    const answer = await this.#send(sequence)
    this.#acknowledged = sequence
    if (answer.fault) this.#warnOnce(FAULTS[answer.fault](this.#self.port))
    return answer.interval * 1000
  }

  /** The clock was ahead, and was corrected since. */
  get #isAhead(): boolean {
    return this.#sequence > steadyNow() + MAX_AHEAD_MS
  }

  /** The last sequence plus one, or the time if that is later: sequences must stay near it. */
  #nextSequence(): number {
    this.#changed = false
    const now = Math.floor(steadyNow())
    this.#sequence = this.#isAhead ? now : Math.max(this.#sequence + 1, now)
    return this.#sequence
  }

  /** Sends a heartbeat if that is enough, else the whole set; with a hello if the tracker has no proof of the id. */
  async #send(sequence: number): Promise<Announced> {
    const first =
      sequence === this.#acknowledged
        ? this.#client.heartbeat(this.#self.peer, sequence)
        : this.#announceAll(sequence, this.#acknowledged === 0)
    const answer = await first.catch((error: unknown) => {
      if (isUnproven(error)) return null
      throw error
    })
    return answer === null || answer.resync ? this.#announceAll(sequence, true) : answer
  }

  #announceAll(sequence: number, proven: boolean): Promise<Announced> {
    const announce = { ...this.#self, sequence, files: this.#files() }
    if (!proven) return this.#client.announce(announce)
    return this.#client.announce({
      ...announce,
      hello: signHello(this.#keys, this.#client.token ?? '', Math.floor(steadyNow())),
    })
  }

  /** Warns only if a tracker refuses: a tracker that is away and a home without a session are normal. */
  #failed(error: unknown): null {
    const isRefusal = error instanceof ShoalError && (error.kind === 'usage' || isUnproven(error))
    if (isRefusal) this.#warnOnce(`the tracker refuses to announce this peer: ${error.message}`)
    return null
  }

  #warnOnce(message: string): void {
    if (message !== this.#lastWarning) this.#warn(message)
    this.#lastWarning = message
  }

  *#files(): Generator<Served> {
    for (const { fileId, groups, have } of this.#library.values())
      for (const group of groups) yield { group, fileId, complete: have.isFull }
  }

  /** Waits. With `wakeable`, a change of the library ends the wait. */
  async #pause(ms: number, wakeable = false): Promise<void> {
    const woken = new AbortController()
    this.#wake = wakeable ? () => woken.abort() : null
    await delay(ms, undefined, { signal: AbortSignal.any([this.#stop.signal, woken.signal]) }).catch(() => {})
    this.#wake = null
  }
}
