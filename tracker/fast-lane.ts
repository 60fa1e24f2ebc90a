import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Announcing } from './presence/announcing.ts'
import type { Services } from './services.ts'

/** A peer's id and the sequence, as the route's schema takes them (api/schemas.ts, validator.ts). */
const HEARTBEAT = /^\/v1\/announce\/([0-9a-f]{64})\/(\d{1,16})$/
const ROUTE = '/v1/announce/:peer/:sequence'

const TYPE = 'application/json; charset=utf-8'

/**
 * Answers heartbeats ahead of Fastify, whose way to a route and back costs twice what a heartbeat does. It takes
 * only what it can answer with success at once: a known session, no body, all memberships in memory. All else, and
 * every refusal, is left to the route, which asks the same `Announcing`: so there is nothing that only one of the
 * two would let pass.
 */
export class FastLane {
  #services: Services | null = null

  /** Before this, all requests are left to Fastify. */
  open(services: Services): void {
    this.#services = services
  }

  /** Whether the request is taken care of. */
  take(request: IncomingMessage, response: ServerResponse): boolean {
    const services = this.#services
    if (services === null || request.method !== 'POST' || services.stopping.aborted) return false
    const [, peer, sequence] = HEARTBEAT.exec(request.url as string) ?? []
    if (peer === undefined || sequence === undefined) return false
    const { headers } = request
    const { authorization } = headers
    if (authorization === undefined || hasBody(headers) || headers.expect !== undefined) return false
    const { announcing, authenticator, answers } = services
    const began = answers.watched ? performance.now() : 0
    const actor = authenticator.recall(authorization)
    const address = request.socket.remoteAddress
    if (actor === null || address === undefined) return false
    let answer: ReturnType<Announcing['here']>
    try {
      answer = announcing.here(actor.user, address, { peer, sequence: Number(sequence) })
    } catch {
      return false
    }
    if (answer === null) return false
    const text = JSON.stringify(answer)
    response.writeHead(200, ['content-type', TYPE, 'content-length', String(text.length)])
    response.end(text, 'latin1')
    if (answers.watched) answers.tell('POST', ROUTE, 200, performance.now() - began)
    return true
  }
}

const hasBody = (headers: IncomingHttpHeaders): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
