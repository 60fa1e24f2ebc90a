import { randomUUID } from 'node:crypto'
import { uptime } from 'node:os'
import { IDEMPOTENCY_HEADER, REVISION_HEADER } from './api/headers.ts'
import type { EventStream } from './events.ts'
import { exchange, open, readWhole, type WireAnswer, type WireRequest } from './exchange.ts'
import { askTrackers } from './failover.ts'
import { FailoverHistory, type FailoverMemory } from './failover-state.ts'
import { checkStatus, readJson, readNothing } from './read-response.ts'
import type { Answer } from './response-check.ts'
import type { ResponseName } from './response-faults.ts'
import { trackerUrl } from './url.ts'

/** The longest answer accepted: a group of 100,000 members fits. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
/** How long to retry while the fleet's Redis is away: a failover takes less. */
const PATIENCE_MS = 6000

export interface Call {
  /** The group whose revision is sent and remembered. */
  group?: string
  body?: unknown
  /** Whether this is a mutation, whose repetitions the tracker must recognise. */
  change?: boolean
  /** Whether the caller retries by itself. */
  once?: boolean
}

export interface RequestOptions {
  /** `host:port` or `http(s)://host:port`. */
  trackers: readonly string[]
  token?: string | null
  memory?: FailoverMemory
  /** How long to retry while the fleet's Redis is away. */
  patienceMs?: number
}

/** Sends requests to a fleet: asks one tracker after another until one answers (failover.ts), and checks the answer. */
export class TrackerRequests {
  /** The session token of all requests. */
  token: string | null
  /** Hears the tracker's clock with each answer, in milliseconds since the epoch, and how long the answer took. */
  onTime: ((now: number, tookMs: number) => void) | null = null
  readonly #trackers: string[]
  readonly #memory: FailoverHistory
  readonly #patienceMs: number

  /** Throws BAD_CONFIG for an address that is none. */
  constructor(options: RequestOptions) {
    this.token = options.token ?? null
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS
    this.#trackers = [...new Set(options.trackers.map(trackerUrl))]
    this.#memory = new FailoverHistory(options.memory)
  }

  /** Remembers the revision of a group that an event has shown. */
  saw(group: string, revision: number): void {
    this.#memory.saw(group, revision)
  }

  json<Name extends ResponseName>(
    name: Name,
    method: WireRequest['method'],
    path: string,
    call: Call = {},
  ): Promise<Answer<Name>> {
    return this.ask(method, path, call, (tracker, answer) => readJson(tracker, name, answer))
  }

  nothing(method: WireRequest['method'], path: string, call: Call): Promise<void> {
    return this.ask(method, path, call, async (tracker, answer) => readNothing(tracker, answer))
  }

  ask<T>(
    method: WireRequest['method'],
    path: string,
    call: Call,
    read: (tracker: string, answer: WireAnswer) => Promise<T>,
  ): Promise<T> {
    const request = this.#request(method, path, call)
    const attempt = async (tracker: string, limitMs: number): Promise<T> => {
      // Unlike performance.now(), this counts a suspend.
      const begun = uptime()
      const answer = await exchange(tracker, request, limitMs, MAX_ANSWER_BYTES)
      const result = await read(tracker, answer)
      if (answer.headers.date) this.onTime?.(Date.parse(answer.headers.date), (uptime() - begun) * 1000)
      const revision = Number(answer.headers[REVISION_HEADER])
      if (call.group !== undefined && Number.isSafeInteger(revision)) this.#memory.saw(call.group, revision)
      return result
    }
    return askTrackers(this.#trackers, this.#memory, attempt, call.once ? 0 : this.#patienceMs)
  }

  /** Opens an answer that is read as it arrives. */
  openStream(path: string, signal: AbortSignal): Promise<EventStream> {
    const request = this.#request('GET', path, {})
    return askTrackers(this.#trackers, this.#memory, async (tracker, limitMs) => {
      const answer = await open(tracker, request, limitMs, signal)
      if (answer.status !== 200)
        checkStatus(tracker, answer.status, await readWhole(tracker, answer, MAX_ANSWER_BYTES))
      return { tracker, answer }
    })
  }

  #request(method: WireRequest['method'], path: string, call: Call): WireRequest {
    const headers: Record<string, string> = {}
    if (this.token !== null) headers.authorization = `Bearer ${this.token}`
    if (call.change) headers[IDEMPOTENCY_HEADER] = randomUUID()
    const seen = call.group === undefined ? undefined : this.#memory.revision(call.group)
    if (seen !== undefined) headers[REVISION_HEADER] = String(seen)
    if (call.body === undefined) return { method, path: `/v1${path}`, headers }
    if (call.body instanceof Uint8Array) {
      headers['content-type'] = 'application/octet-stream'
      return { method, path: `/v1${path}`, headers, body: call.body }
    }
    headers['content-type'] = 'application/json'
    return { method, path: `/v1${path}`, headers, body: JSON.stringify(call.body) }
  }
}
