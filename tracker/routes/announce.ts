import type { FastifyRequest } from 'fastify'
import { BODY, MAX_ANNOUNCED_VALUES } from '../../tracker-client/api/limits.ts'
import { Announce, Announced, Heartbeat } from '../../tracker-client/api/schemas.ts'
import type { TrackerApp } from '../app.ts'
import { actorOf } from '../auth/authenticate.ts'
import type { AnnounceRequest } from '../presence/presence.ts'
import type { Services } from '../services.ts'

/**
 * The files that peers serve. Most requests to a tracker are heartbeats, so they have no body, and most are answered
 * before they reach this route (fast-path.ts).
 */
export function announceRoutes(app: TrackerApp, { announcing }: Services): void {
  const config = { access: 'read' } as const
  const tags = ['swarms']

  app.post(
    '/announce',
    {
      bodyLimit: BODY.announce,
      config: { ...config, maxValues: MAX_ANNOUNCED_VALUES },
      schema: { tags, body: Announce, response: { 200: Announced } },
    },
    (request) => answer(request, request.body),
  )

  app.post(
    '/announce/:peer/:sequence',
    { config, schema: { tags, params: Heartbeat, response: { 200: Announced } } },
    (request) => answer(request, request.params),
  )

  /** Returns a promise only if there is something to wait for. */
  function answer(request: FastifyRequest, announce: AnnounceRequest): Announced | Promise<Announced> {
    const actor = actorOf(request)
    return (
      announcing.fromMemory(actor, request.ip, announce) ?? announcing.fromRedis(actor, request.ip, announce)
    )
  }
}
