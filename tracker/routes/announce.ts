import type { FastifyRequest } from 'fastify'
import { Announce, Announced, Heartbeat } from '../api/schemas.ts'
import type { TrackerApp } from '../app.ts'
import { actorOf } from '../auth/authenticate.ts'
import { plainAddress } from '../presence/addresses.ts'
import type { Said } from '../presence/presence.ts'
import type { Services } from '../services.ts'

/** 100,000 files in one announce. */
const BODY_LIMIT = 24 * 1024 * 1024

/**
 * What peers serve. Heartbeats are most of what a tracker is asked, so theirs is a request without a body, and both
 * are answered without a promise where all that is needed is in memory.
 */
export function announceRoutes(app: TrackerApp, { store, presence }: Services): void {
  const config = { access: 'read' } as const
  const tags = ['swarms']

  app.post(
    '/announce',
    { bodyLimit: BODY_LIMIT, config, schema: { tags, body: Announce, response: { 200: Announced } } },
    (request) => answer(request, request.body),
  )

  app.post(
    '/announce/:peer/:sequence',
    { config, schema: { tags, params: Heartbeat, response: { 200: Announced } } },
    (request) => answer(request, request.params),
  )

  function answer(request: FastifyRequest, said: Said): Announced | Promise<Announced> {
    const { user } = actorOf(request)
    const host = plainAddress(request.ip)
    const named = presence.groupsOf(said)
    const groups = memberships(user, named)
    if (groups) return presence.announce({ user, host, groups }, said)
    return askedMemberships(user, named).then((asked) =>
      presence.announce({ user, host, groups: asked }, said),
    )
  }

  /** Those of the groups that the user is a member of; null where one is not in memory. */
  function memberships(user: string, groups: Iterable<string>): Set<string> | null {
    const member = new Set<string>()
    for (const group of groups) {
      const view = store.groups.viewHere(group)
      if (!view) return null
      if (view.members.has(user)) member.add(group)
    }
    return member
  }

  async function askedMemberships(user: string, groups: Iterable<string>): Promise<Set<string>> {
    const member = new Set<string>()
    for (const group of groups) if ((await store.groups.view(group))?.members.has(user)) member.add(group)
    return member
  }
}
