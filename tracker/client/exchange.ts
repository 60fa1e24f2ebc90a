import { TryNext } from './failover.ts'

export interface WireRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** With the query: "/v1/groups?limit=10". */
  path: string
  headers: Record<string, string>
  body?: string | Uint8Array<ArrayBuffer>
}

export interface WireAnswer {
  status: number
  headers: Headers
  body: Buffer
}

/** A tracker that was silent for this long is not asked a second time. */
const LONG_ENOUGH_MS = 5000

/** Cuts a request off when nothing has arrived for a while: a slow answer may take long, a hanging one not. */
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

  /** Ends the request, if it still runs, and its timer. */
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
  headers: Headers
  /** The body as it arrives; throws TryNext when it stops early or stays silent for `idleMs`. */
  chunks(idleMs?: number): AsyncGenerator<Uint8Array>
  /** Gives up what has not been read. */
  close(): void
}

/** Sends one request to one tracker and waits for the head of its answer; throws TryNext where none comes. */
export async function open(
  tracker: string,
  request: WireRequest,
  limitMs: number,
  signal?: AbortSignal,
): Promise<OpenAnswer> {
  const limit = new IdleLimit(limitMs, signal)
  const { method, headers, body } = request
  let response: Response
  try {
    response = await fetch(tracker + request.path, {
      method,
      headers,
      redirect: 'manual',
      signal: limit.signal,
      ...(body === undefined ? {} : { body }),
    })
  } catch (error) {
    limit.end()
    if (signal?.aborted) throw signal.reason
    throw new TryNext(tracker, limit.expired ? `no answer in ${limitMs / 1000} s` : causeOf(error), {
      again: !limit.expired || limitMs < LONG_ENOUGH_MS,
    })
  }
  return {
    status: response.status,
    headers: response.headers,
    close: () => limit.end(),
    chunks: (idleMs) => chunksOf(tracker, response, limit, idleMs),
  }
}

async function* chunksOf(
  tracker: string,
  response: Response,
  limit: IdleLimit,
  idleMs?: number,
): AsyncGenerator<Uint8Array> {
  try {
    limit.heard(idleMs)
    for await (const chunk of response.body ?? []) {
      limit.heard(idleMs)
      yield chunk
    }
  } catch (error) {
    const why = limit.expired ? 'it stopped in the middle' : 'it was cut off'
    throw TryNext.badAnswer(tracker, why, { again: true, cause: error })
  } finally {
    limit.end()
  }
}

/** Sends one request to one tracker and reads the whole answer, of at most `maxBytes`. */
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
    if (length > maxBytes) throw TryNext.badAnswer(tracker, `it is longer than ${maxBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts, length)
}

/** What was wrong with a connection, in a few words: fetch hides it in the cause. */
function causeOf(error: unknown): string {
  const cause = (error as Error).cause as (NodeJS.ErrnoException & { errors?: unknown[] }) | undefined
  const code = cause?.code ?? (cause?.errors?.[0] as NodeJS.ErrnoException | undefined)?.code
  const words = code === undefined ? undefined : CAUSES[code]
  return words ?? cause?.message ?? (error as Error).message
}

const CAUSES: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection cut',
  UND_ERR_SOCKET: 'connection cut',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'no such host',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'connection timed out',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted',
}
