import { pause } from './back-off.js'
import { eventReader } from './sse.js'

/** A tracker's refusal, with its code and sentence. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} message
   */
  constructor(status, code, message) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** No usable answer; worth trying again. */
export class Unreachable extends Error {}

const TIMEOUT_MS = 15_000
/** A stream that is silent this long is dead: trackers send a heartbeat every 15 s. */
const SILENCE_MS = 40_000
/** Pauses between attempts. After the last one we give up. */
const AGAIN_AFTER_MS = [200, 800, 0]
/** Cache nothing, and send nothing that we did not ask to send. */
const PLAINLY = /** @type {const} */ ({
  cache: 'no-store',
  credentials: 'omit',
  redirect: 'error',
  referrerPolicy: 'no-referrer',
})
/** Sent by a proxy whose tracker is away, or by a tracker whose store is. */
const PASSING = new Set([502, 503, 504])
/** Answers with such a status of a tracker that is there: a peer is not, or a snapshot is none. */
const OF_PEERS = new Set(['NO_PEER', 'TREE_INVALID'])

/**
 * @typedef {{ group?: string, body?: object, change?: boolean, signal?: AbortSignal, own?: boolean }} Call
 *   `own`: the path is one of the page itself, not of the API.
 * @typedef {(message: string) => void} OnSessionEnd
 */

/** The HTTP API (docs/protocol.md) of the tracker that served this page. */
export class Client {
  /**
   * @param {string | null} token
   * @param {import('./link.js').Link} link hears of each answer and of each failure
   * @param {OnSessionEnd} onSessionEnd called with the reason when the tracker no longer knows the session
   */
  constructor(token, link, onSessionEnd) {
    this.token = token
    this.link = link
    this.onSessionEnd = onSessionEnd
    this.base = new URL('../v1/', document.baseURI)
    /**
     * The highest revision seen per group, so that no other replica answers with an older state.
     * @type {Map<string, number>}
     */
    this.revisions = new Map()
  }

  /**
   * Returns the answer's body. Without an answer it tries twice more (a change reuses its key), so that the
   * user does not notice a broken connection, for example when the browser's own network changes. Throws
   * Refused, Unreachable, or the signal's reason.
   * @param {string} method
   * @param {string} path below /v1
   * @param {Call} [call]
   */
  async ask(method, path, call = {}) {
    const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(call.signal ? [call.signal] : [])])
    const request = {
      method,
      headers: this.headers(call),
      body: call.body && JSON.stringify(call.body),
      signal,
    }
    for (const waitMs of AGAIN_AFTER_MS) {
      try {
        const answer = await this.send(path, request, call.group, call.own)
        return answer.status === 204 ? null : await answer.json()
      } catch (error) {
        if (error instanceof Refused) throw error
        if (signal.aborted) break
      }
      await pause(waitMs, signal)
    }
    throw this.unreachable(call.signal)
  }

  /**
   * Follows the group's changes: calls `onOpen` once, then `onEvent` for each change. Returns when the stream
   * ends, for whatever reason; asking again tells which. Throws like `ask`.
   * @param {string} group
   * @param {AbortSignal} signal
   * @param {{ onOpen(): void, onEvent(event: GroupEvent): void }} listener
   */
  async events(group, signal, { onOpen, onEvent }) {
    const silence = new AbortController()
    const request = {
      method: 'GET',
      headers: this.headers({}),
      signal: AbortSignal.any([signal, silence.signal]),
    }
    let isOpen = false
    let timer = setTimeout(() => silence.abort(), SILENCE_MS)
    try {
      const answer = await this.send(groupPath(group, '/events'), request)
      const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
      const read = eventReader()
      isOpen = true
      onOpen()
      for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
        clearTimeout(timer)
        timer = setTimeout(() => silence.abort(), SILENCE_MS)
        this.link.heard(0)
        for (const event of read(part.value).map((data) => JSON.parse(data))) {
          if (event.error) return
          this.saw(group, event.revision)
          onEvent(event)
        }
      }
    } catch (error) {
      if (error instanceof Refused || signal.aborted) throw error
      if (!isOpen) throw this.unreachable(signal)
      // A stream that breaks after it opened ends like one that the tracker closed.
    } finally {
      clearTimeout(timer)
    }
  }

  /**
   * Any error other than Refused means that no answer came.
   * @param {string} path
   * @param {RequestInit} request
   * @param {string} [group] the group whose revision the answer carries
   * @param {boolean} [own] the path is below the page, not below /v1
   */
  async send(path, request, group, own = false) {
    const base = own ? document.baseURI : this.base
    const answer = await fetch(new URL(`.${path}`, base), { ...request, ...PLAINLY })
    const refused = answer.ok ? null : await this.refusal(answer)
    if (refused && PASSING.has(answer.status) && !OF_PEERS.has(refused.code)) throw new Unreachable()
    this.link.heard(Number(answer.headers.get('age') ?? 0))
    if (group) this.saw(group, Number(answer.headers.get('shoal-revision')))
    if (refused) throw refused
    return answer
  }

  /** @param {Call} call */
  headers({ group, body, change }) {
    const revision = group && this.revisions.get(group)
    return {
      ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...(change ? { 'idempotency-key': newKey() } : {}),
      ...(revision ? { 'shoal-revision': String(revision) } : {}),
    }
  }

  /** @param {Response} answer */
  async refusal(answer) {
    const said = (await answer.json().catch(() => null))?.error
    const message = said?.message ?? `the tracker answered with ${answer.status}`
    if (answer.status === 401 && this.token) this.onSessionEnd(message)
    return new Refused(answer.status, said?.code ?? '', message)
  }

  /** @param {AbortSignal | undefined} given the caller's own abort is no failure of the tracker */
  unreachable(given) {
    if (given?.aborted) return given.reason
    this.link.lost()
    return new Unreachable('the tracker does not answer')
  }

  /**
   * @param {string} group
   * @param {number} revision
   */
  saw(group, revision) {
    if (revision > (this.revisions.get(group) ?? 0)) this.revisions.set(group, revision)
  }
}

/**
 * @param {string} group
 * @param {string} [rest]
 */
export const groupPath = (group, rest = '') => `/groups/${encodeURIComponent(group)}${rest}`

/** crypto.randomUUID does not exist on plain HTTP. */
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
}

/** @typedef {import('@shoal/plugin').GroupEvent} GroupEvent */
