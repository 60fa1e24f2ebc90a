import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { ShoalError } from '../protocol/errors.ts'

/** Answers any error of a request as `{error: {code, message, hint}}`; what nobody expected is only logged. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const told = toShoalError(error)
  if (told.status >= 500) request.log.error({ err: error, code: told.code }, 'request failed')
  reply.code(told.status).header('content-type', 'application/json; charset=utf-8').send(told.toJSON())
}

export function answerNotFound(request: FastifyRequest, reply: FastifyReply): void {
  const path = request.url.split('?', 1)[0]?.slice(0, 200)
  answerError(new ShoalError('ROUTE_NOT_FOUND', `there is no ${request.method} ${path}`), request, reply)
}

function toShoalError(error: unknown): ShoalError {
  if (error instanceof ShoalError) return error
  const { validation, validationContext, statusCode, message } = error as Partial<FastifyError>
  if (validation) return new ShoalError('BAD_REQUEST', faultOf(validation, validationContext))
  if (statusCode === 413) return new ShoalError('TOO_LARGE', 'the request body is too large')
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new ShoalError('BAD_REQUEST', `the request is malformed: ${message}`)
  return new ShoalError('INTERNAL', 'the tracker failed on this request', { hint: 'its log says why' })
}

function faultOf(validation: NonNullable<FastifyError['validation']>, context = 'request'): string {
  const where = `the ${context === 'params' ? 'path' : context}`
  const first = validation[0]
  if (!first) return `${where} is malformed`
  return `${where} is malformed: ${first.instancePath || 'it'} ${first.message}`
}
