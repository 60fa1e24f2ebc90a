import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
// Adds fields such as `hide` to the type of a route's schema, for plugins too.
import type {} from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, { type FastifyBaseLogger, LogController } from 'fastify'
import { BODY } from '../tracker-client/api/limits.ts'
import type { FastPath } from './front/fast-path.ts'
import { putInFront } from './front/front.ts'
import { readJsonBodies } from './http/body.ts'
import { answerClientError, answerError, answerNotFound } from './http/errors.ts'
import { validatorCompiler } from './http/validator.ts'

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug'

export interface TlsFiles {
  /** PEM. */
  cert: string
  key: string
}

/** How long a request's head may take to arrive. Its body may take longer. */
const LIMITS = {
  headersTimeout: 8000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 2000,
  keepAliveTimeout: 65_000,
}

/** At these levels the log has every request, written by Fastify. */
export const LOGS_REQUESTS: ReadonlySet<LogLevel> = new Set(['info', 'debug'])
/** A logger per request would cost more than answering a heartbeat. */
const NO_REQUEST_LOG = {
  logController: new LogController({ disableRequestLogging: true }),
  childLoggerFactory: (logger: FastifyBaseLogger) => logger,
}

/** The HTTP server without its routes: types, limits, errors. Requests that `fastPath` answers never reach Fastify. */
export function createApp(options: { log: LogLevel; tls?: TlsFiles; fastPath: FastPath }) {
  const app = fastify({
    logger: { level: options.log, stream: process.stderr },
    ...(LOGS_REQUESTS.has(options.log) ? {} : NO_REQUEST_LOG),
    serverFactory: (handler) => {
      const listener: RequestListener = (request, response) => {
        if (!options.fastPath.take(request, response)) handler(request, response)
      }
      return options.tls
        ? createTlsServer({ ...options.tls, ...LIMITS, minVersion: 'TLSv1.2' }, listener)
        : inFront(createServer(LIMITS, listener), options.fastPath)
    },
    bodyLimit: BODY.public,
    exposeHeadRoutes: false,
    frameworkErrors: answerError,
    clientErrorHandler: answerClientError,
  }).withTypeProvider<TypeBoxTypeProvider>()
  readJsonBodies(app)
  app.setValidatorCompiler(validatorCompiler)
  // Answers are built from typed records, so checking them again would be wasted work.
  app.setSerializerCompiler(() => (body) => JSON.stringify(body))
  app.decorateRequest('actor', null)
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(answerNotFound)
  return app
}

function inFront(server: Server, fastPath: FastPath): Server {
  putInFront(server, fastPath, LIMITS)
  return server
}

export type TrackerApp = ReturnType<typeof createApp>
