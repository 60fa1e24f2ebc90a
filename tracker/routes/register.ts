import swagger, { type FastifyDynamicSwaggerOptions, type SwaggerTransform } from '@fastify/swagger'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { checkGroupName } from '../../protocol/names.ts'
import { BODY } from '../../tracker-client/api/limits.ts'
import type { TrackerApp } from '../app.ts'
import type { Services } from '../services.ts'
import { announceRoutes } from './announce.ts'
import { eventRoutes } from './events.ts'
import { fileRoutes } from './files.ts'
import { groupRoutes } from './groups.ts'
import { hashRoutes } from './hashes.ts'
import { healthRoutes } from './health.ts'
import { memberRoutes } from './members.ts'
import { progressRoutes } from './progress.ts'
import { sessionRoutes } from './sessions.ts'
import { statusRoutes } from './status.ts'
import { swarmRoutes } from './swarms.ts'
import { userRoutes } from './users.ts'
import { versionRoutes } from './versions.ts'

const V1_ROUTES = [
  userRoutes,
  sessionRoutes,
  groupRoutes,
  memberRoutes,
  fileRoutes,
  versionRoutes,
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

/** Marks in the OpenAPI document the routes that need no session, and the limits of request bodies. */
const markRoutes: SwaggerTransform = ({ schema, url, route }) => ({
  schema: {
    ...schema,
    ...(route.config?.access === 'public' ? { security: [] } : {}),
    ...(route.method === 'GET' ? {} : { 'x-body-limit': route.bodyLimit }),
  },
  url,
})

/** Adds every route to the app, which is not listening yet. */
export async function addRoutes(app: TrackerApp, services: Services): Promise<void> {
  await app.register(swagger, { openapi: DOCUMENT, transform: markRoutes })
  healthRoutes(app, services)
  await app.register(
    async (v1: TrackerApp) => {
      // Use callbacks: a promise per hook and request would cost as much as the hooks themselves.
      v1.addHook('onRequest', (request, reply, done) => {
        const waiting = services.authenticator.authenticate(request, reply)
        if (waiting) waiting.then(() => done(), done)
        else done()
      })
      v1.addHook('onRoute', (route) => {
        route.bodyLimit ??= route.config?.access === 'public' ? BODY.public : BODY.session
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

/** Group names become part of Redis keys, so every route checks them first. */
function checkGroupParam(request: FastifyRequest, _: FastifyReply, done: () => void): void {
  const { group } = request.params as { group?: string }
  if (group !== undefined) checkGroupName(group)
  done()
}
