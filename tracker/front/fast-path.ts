import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { Compile } from 'typebox/compile'
import { MAX_ANNOUNCED_VALUES, MAX_DEPTH } from '../../tracker-client/api/limits.ts'
import { Announce, type Announced } from '../../tracker-client/api/schemas.ts'
import { turn } from '../../tracker-store/turns.ts'
import { JsonScan } from '../http/json-scan.ts'
import type { AnnounceRequest } from '../presence/presence.ts'
import type { Services } from '../services.ts'

const ANNOUNCE = '/v1/announce'
/** Peer id and sequence, with the same limits as the route's schema (api/schemas.ts, validator.ts). */
const HEARTBEAT = /^\/v1\/announce\/([0-9a-f]{64})\/(\d{1,16})$/
const ROUTES = { announce: ANNOUNCE, heartbeat: `${ANNOUNCE}/:peer/:sequence` }

/** Size of an announce of about 100 files, which takes less than a millisecond to read. */
const SHORT_BODY = 8 * 1024

export const JSON_TYPE = 'application/json; charset=utf-8'

const announce = Compile(Announce)
/**
 * Texts that Fastify's parser refuses or checks twice; no announce needs them. "tructor" finds "constructor" faster: a
 * search looks for the first letter, and "c" is a digit of file ids.
 */
const SUSPECT = ['\\', '__proto__', 'tructor']

/**
 * Answers announces and heartbeats before Fastify, whose routing costs more than they do. It answers only successes.
 * Every refusal is left to the route, which asks the same `Authenticator` and `AnnounceHandler`, so nothing passes here
 * that the route would refuse.
 */
export class FastPath {
  #services: Services | null = null

  /** Until this is called, and once the tracker stops, Fastify gets all requests. */
  open(services: Services): void {
    this.#services = services
    services.stopping.addEventListener('abort', () => {
      this.#services = null
    })
  }

  get isOpen(): boolean {
    return this.#services !== null
  }

  /** Calls back once, when the tracker stops. */
  onClose(listener: () => void): void {
    this.#services?.stopping.addEventListener('abort', listener, { once: true })
  }

  /**
   * The body of the answer (JSON) to a POST of `target`, or null if the route must answer. Waits if Redis has to be
   * asked. `body` may be empty.
   */
  answer(
    target: string,
    authorization: string,
    address: string,
    body: string,
  ): string | null | Promise<string | null> {
    const services = this.#services
    if (services === null) return null
    const began = services.responses.areObserved ? performance.now() : 0
    // Authenticate first: an unknown sender's body is not parsed.
    const read = () => (body === '' ? heartbeatOf(target) : announceOf(target, body))
    const call: Call = { request: undefined, read, authorization, address, began }
    // Several long bodies may arrive together: give each its own turn of the event loop.
    if (body.length > SHORT_BODY) return turn().then(() => answerFromRedis(services, call))
    return answerHere(services, call) ?? (call.request === null ? null : answerFromRedis(services, call))
  }

  /** Answers a request without a body from Node's parser. Returns false to leave it to Fastify. */
  take(request: IncomingMessage, response: ServerResponse): boolean {
    const { method, url, headers, socket } = request
    if (method !== 'POST' || url === undefined || !url.startsWith(ANNOUNCE) || hasBody(headers)) return false
    const { authorization, expect } = headers
    if (authorization === undefined || expect !== undefined || socket.remoteAddress === undefined)
      return false
    const services = this.#services
    const heartbeat = heartbeatOf(url)
    if (services === null || heartbeat === null) return false
    const began = services.responses.areObserved ? performance.now() : 0
    const call: Call = {
      request: heartbeat,
      read: () => heartbeat,
      authorization,
      address: socket.remoteAddress,
      began,
    }
    const text = answerHere(services, call)
    if (text === null) return false
    response.writeHead(200, { 'content-type': JSON_TYPE, 'content-length': text.length })
    response.end(text, 'latin1')
    return true
  }
}

interface Call {
  /** Set once it was read. Null if the route must answer. */
  request: AnnounceRequest | null | undefined
  read(): AnnounceRequest | null
  authorization: string
  address: string
  /** performance.now() at arrival. */
  began: number
}

function answerHere(services: Services, call: Call): string | null {
  const actor = services.authenticator.fromMemory(call.authorization)
  if (actor === null) return null
  call.request = call.read()
  if (call.request === null) return null
  try {
    return responseText(
      services,
      call.request,
      call.began,
      services.announcing.fromMemory(actor, call.address, call.request),
    )
  } catch {
    return null
  }
}

async function answerFromRedis(services: Services, call: Call): Promise<string | null> {
  const { authenticator, announcing } = services
  try {
    const actor =
      authenticator.fromMemory(call.authorization) ?? (await authenticator.fromRedis(call.authorization))
    if (actor === null) return null
    const request = call.request ?? call.read()
    return (
      request &&
      responseText(services, request, call.began, await announcing.fromRedis(actor, call.address, request))
    )
  } catch {
    return null
  }
}

function responseText(
  { responses }: Services,
  request: AnnounceRequest,
  began: number,
  answer: Announced | null,
): string | null {
  if (answer === null) return null
  if (responses.areObserved)
    responses.notify(
      'POST',
      'port' in request ? ROUTES.announce : ROUTES.heartbeat,
      200,
      performance.now() - began,
    )
  return JSON.stringify(answer)
}

function heartbeatOf(target: string): AnnounceRequest | null {
  const [, peer, sequence] = HEARTBEAT.exec(target) ?? []
  const number = Number(sequence)
  // Leave integers that are not exact to the route, which refuses them.
  return peer === undefined || !Number.isSafeInteger(number) ? null : { peer, sequence: number }
}

function announceOf(target: string, body: string): AnnounceRequest | null {
  if (target !== ANNOUNCE || SUSPECT.some((text) => body.includes(text))) return null
  // Leave it to the route, which refuses it.
  if (new JsonScan(MAX_DEPTH, MAX_ANNOUNCED_VALUES).push(Buffer.from(body, 'latin1')) !== null) return null
  try {
    const value: unknown = JSON.parse(body)
    return announce.Check(value) ? value : null
  } catch {
    return null
  }
}

const hasBody = (headers: IncomingHttpHeaders): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
