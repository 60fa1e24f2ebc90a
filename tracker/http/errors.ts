import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { ShoalError } from '../../protocol/errors.ts'

const MAX_MESSAGE = 300

/** Answers any error as `{error: {code, message, hint}}`. Details of unexpected errors go to the log only. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const shoalError = toShoalError(error)
  if (shoalError.status >= 500) request.log.error({ err: error, code: shoalError.code }, 'request failed')
  reply
    .code(shoalError.status)
    .header('content-type', 'application/json; charset=utf-8')
    .send(shoalError.toJSON())
}

export function answerNotFound(request: FastifyRequest, reply: FastifyReply): void {
  const path = request.url.split('?', 1)[0]?.slice(0, 200)
  answerError(
    new ShoalError('ROUTE_NOT_FOUND', `there is no route ${request.method} ${path}`),
    request,
    reply,
  )
}

/** Parser errors that do not mean "not HTTP". */
const UNPARSED: Record<string, [status: string, why: string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'the request took too long to arrive'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'the headers are too long'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['413 Payload Too Large', 'the chunk extensions are too long'],
}

/** Answers input that never became a request, and closes the connection. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  const [status, why] = UNPARSED[error.code ?? ''] ?? ['400 Bad Request', 'this is not an HTTP request']
  const body = JSON.stringify(new ShoalError('BAD_REQUEST', why))
  const type = 'content-type: application/json; charset=utf-8'
  if (socket.writable && error.code !== 'ECONNRESET')
    socket.write(
      `HTTP/1.1 ${status}\r\n${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    )
  socket.destroy()
}

function toShoalError(error: unknown): ShoalError {
  if (error instanceof ShoalError) return error
  const { validation, validationContext, statusCode, message } = error as Partial<FastifyError>
  if (validation) return new ShoalError('BAD_REQUEST', faultOf(validation, validationContext))
  if (statusCode === 413) return new ShoalError('TOO_LARGE', 'the request body is too large')
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new ShoalError('BAD_REQUEST', capped(`the request is malformed: ${message}`))
  return new ShoalError('INTERNAL', 'the tracker failed to handle this request', {
    hint: 'see the log of the tracker',
  })
}

function faultOf(validation: NonNullable<FastifyError['validation']>, context = 'request'): string {
  const where = `the ${context === 'params' ? 'path' : context}`
  const first = validation[0]
  if (!first) return `${where} is malformed`
  return capped(`${where} is malformed: ${first.instancePath || 'it'} ${first.message}`)
}

/** Limits how much of a client's own text goes into answers and the log. */
const capped = (text: string): string => (text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text)
