import swagger, { type FastifyDynamicSwaggerOptions, type SwaggerTransform } from '@fastify/swagger'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { checkGroupName } from '../protocol/names.ts'
import type { TrackerApp } from './app.ts'
import { announceRoutes } from './routes/announce.ts'
import { eventRoutes } from './routes/events.ts'
import { fileRoutes } from './routes/files.ts'
import { groupRoutes } from './routes/groups.ts'
import { hashRoutes } from './routes/hashes.ts'
import { healthRoutes } from './routes/health.ts'
import { memberRoutes } from './routes/members.ts'
import { progressRoutes } from './routes/progress.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { statusRoutes } from './routes/status.ts'
import { swarmRoutes } from './routes/swarms.ts'
import { userRoutes } from './routes/users.ts'
import type { Services } from './services.ts'

const V1_ROUTES = [
  userRoutes,
  sessionRoutes,
  groupRoutes,
  memberRoutes,
  fileRoutes,
  hashRoutes,
  swarmRoutes,
  eventRoutes,
  announceRoutes,
  progressRoutes,
  statusRoutes,
]

const DOCUMENT: NonNullable<FastifyDynamicSwaggerOptions['openapi']> = {
  openapi: '3.1.0',
  info: { title: 'Shoal tracker', version: '1' },
  components: { securitySchemes: { session: { type: 'http', scheme: 'bearer' } } },
  security: [{ session: [] }],
}

/** Says in the document which routes need no session. */
const markPublic: SwaggerTransform = ({ schema, url, route }) => ({
  schema: route.config?.access === 'public' ? { ...schema, security: [] } : schema,
  url,
})

/** Adds every route to the app, which does not listen yet. */
export async function addRoutes(app: TrackerApp, services: Services): Promise<void> {
  await app.register(swagger, { openapi: DOCUMENT, transform: markPublic })
  healthRoutes(app, services)
  await app.register(
    async (v1: TrackerApp) => {
      // With callbacks: a promise a hook, on each request, would cost as much as what the hooks do.
      v1.addHook('onRequest', (request, reply, done) => {
        const waiting = services.authenticator.authenticate(request, reply)
        if (waiting) waiting.then(() => done(), done)
        else done()
      })
      v1.addHook('preValidation', checkGroupParam)
      for (const routes of V1_ROUTES) routes(v1, services)
      v1.get('/openapi.json', { config: { access: 'public' }, schema: { hide: true } }, async () =>
        app.swagger(),
      )
    },
    { prefix: '/v1' },
  )
}

/** A group's name becomes part of keys, so nothing else passes, whatever the route does with it. */
function checkGroupParam(request: FastifyRequest, _: FastifyReply, done: () => void): void {
  const { group } = request.params as { group?: string }
  if (group !== undefined) checkGroupName(group)
  done()
}
