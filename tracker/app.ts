import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
// Adds `hide` and the like to the types of a route's schema, for plugins too.
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

/** A request whose head has not arrived by then is cut off; the body of one may take longer. */
const LIMITS = {
  headersTimeout: 8000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 2000,
  keepAliveTimeout: 65_000,
}

/** With these, each request is in the log, which Fastify keeps. */
export const LOGS_REQUESTS: ReadonlySet<LogLevel> = new Set(['info', 'debug'])
/** A logger for each request costs more than a heartbeat does. */
const NO_REQUEST_LOG = {
  logController: new LogController({ disableRequestLogging: true }),
  childLoggerFactory: (logger: FastifyBaseLogger) => logger,
}

/** The HTTP server without its routes: types, limits, errors. What `fastPath` takes care of, Fastify does not see. */
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
  // Answers are built from typed records: a second check of them would only cost.
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
