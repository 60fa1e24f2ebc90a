import { type IncomingHttpHeaders, type IncomingMessage, request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import { TryNext } from './failover.ts'
import { lookup } from './lookup.ts'

export interface WireRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Including the query: "/v1/groups?limit=10". */
  path: string
  headers: Record<string, string>
  body?: string | Uint8Array
}

export interface WireAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

/** A tracker that was silent for this long is not asked again. */
const LONG_ENOUGH_MS = 5000

/** Aborts a request when nothing has arrived for a while: a slow answer may take long, a hanging one may not. */
class IdleLimit {
  readonly #controller = new AbortController()
  readonly #limitMs: number
  #timer: NodeJS.Timeout
  expired = false

  constructor(limitMs: number, parent?: AbortSignal) {
    this.#limitMs = limitMs
    this.#timer = setTimeout(() => this.#expire(), limitMs)
    if (parent?.aborted) this.#controller.abort()
    parent?.addEventListener('abort', () => this.#controller.abort(), { once: true, signal: this.signal })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  heard(limitMs: number = this.#limitMs): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#expire(), limitMs)
  }

  /** Ends the request, if it is still running, and its timer. */
  end(): void {
    clearTimeout(this.#timer)
    this.#controller.abort()
  }

  #expire(): void {
    this.expired = true
    this.#controller.abort()
  }
}

export interface OpenAnswer {
  status: number
  headers: IncomingHttpHeaders
  /** The body as it arrives. Throws TryNext if it ends early or pauses for `idleMs`. */
  chunks(idleMs?: number): AsyncGenerator<Uint8Array>
  /** Discards the unread rest. */
  close(): void
}

/** Sends one request to one tracker and waits for the head of the answer. Throws TryNext if none comes. */
export async function open(
  tracker: string,
  request: WireRequest,
  limitMs: number,
  signal?: AbortSignal,
): Promise<OpenAnswer> {
  const limit = new IdleLimit(limitMs, signal)
  let response: IncomingMessage
  try {
    response = await send(tracker, request, limit.signal)
  } catch (error) {
    limit.end()
    if (signal?.aborted) throw signal.reason
    throw new TryNext(tracker, limit.expired ? `no answer in ${limitMs / 1000} s` : causeOf(error), {
      again: !limit.expired || limitMs < LONG_ENOUGH_MS,
    })
  }
  return {
    status: response.statusCode as number,
    headers: response.headers,
    close: () => limit.end(),
    chunks: (idleMs) => chunksOf(tracker, response, limit, idleMs),
  }
}

/**
 * Resolves with the head of the answer. Not `fetch`: Deno's ignores --tracker-ca, and rejects self-signed certificates
 * even if they are trusted; people make such certificates for their own trackers.
 */
function send(tracker: string, request: WireRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const over = tracker.startsWith('https:') ? overHttps : overHttp
  const { method, path, headers, body } = request
  return new Promise((resolve, reject) => {
    // Errors after the head also surface in the body.
    over(tracker + path, { method, headers, signal, lookup })
      .on('error', reject)
      .once('response', resolve)
      .end(body)
  })
}

async function* chunksOf(
  tracker: string,
  response: IncomingMessage,
  limit: IdleLimit,
  idleMs?: number,
): AsyncGenerator<Uint8Array> {
  try {
    limit.heard(idleMs)
    for await (const chunk of response) {
      limit.heard(idleMs)
      yield chunk
    }
  } catch (error) {
    const why = limit.expired ? 'its answer stopped in the middle' : 'the connection closed in the middle'
    throw TryNext.badAnswer(tracker, why, { again: true, cause: error })
  } finally {
    limit.end()
  }
}

/** Sends one request to one tracker and reads the whole answer, up to `maxBytes`. */
export async function exchange(
  tracker: string,
  request: WireRequest,
  limitMs: number,
  maxBytes: number,
): Promise<WireAnswer> {
  const answer = await open(tracker, request, limitMs)
  return { status: answer.status, headers: answer.headers, body: await readWhole(tracker, answer, maxBytes) }
}

export async function readWhole(tracker: string, answer: OpenAnswer, maxBytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of answer.chunks()) {
    length += part.length
    if (length > maxBytes) throw TryNext.badAnswer(tracker, `the answer is longer than ${maxBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts, length)
}

/** A short description of a connection error. */
function causeOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  return CAUSES[code] ?? (code.startsWith('HPE_') ? 'it does not speak HTTP' : message)
}

const CAUSES: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'no such host',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
}
