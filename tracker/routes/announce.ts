import { Announce, Announced } from '../api/schemas.ts'
import type { TrackerApp } from '../app.ts'
import { actorOf } from '../auth/authenticate.ts'
import { plainAddress } from '../presence/addresses.ts'
import type { Services } from '../services.ts'

/** 100,000 files in one announce. */
const BODY_LIMIT = 24 * 1024 * 1024

export function announceRoutes(app: TrackerApp, { store, presence }: Services): void {
  app.post(
    '/announce',
    {
      bodyLimit: BODY_LIMIT,
      config: { access: 'read' },
      schema: { tags: ['swarms'], body: Announce, response: { 200: Announced } },
    },
    async (request) => {
      const { user } = actorOf(request)
      const groups = new Set<string>()
      for (const group of presence.groupsOf(request.body))
        if ((await store.groups.view(group))?.members.has(user)) groups.add(group)
      return presence.announce({ user, host: plainAddress(request.ip), groups }, request.body)
    },
  )
}
