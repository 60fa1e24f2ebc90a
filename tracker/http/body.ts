import { isAscii } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ShoalError } from '../../protocol/errors.ts'
import { BODY, MAX_DEPTH, MAX_VALUES } from '../../tracker-client/api/limits.ts'
import { turn } from '../../tracker-store/turns.ts'
import { JsonScan, type ScanFault } from './json-scan.ts'
import { LargeBodies } from './large-bodies.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Most values in a JSON body (json-scan.ts), where that is not MAX_VALUES. */
    maxValues?: number
  }
}

/** Beyond this a body has its turn to be read, and to be parsed. Only announces have so much to say. */
const LARGE = BODY.hashPage
/** Of a body that is refused, so much is read and thrown away: many clients hear nothing before they have sent all. */
const DISCARDED = 1024 * 1024
const FIRST_ROOM = 4096
/** From here on a body gets all the room that it may need: memory that nobody writes to costs nothing. */
const ALL_ROOM = 256 * 1024

/**
 * Reads JSON bodies in place of Fastify's own parser: a text is looked through as it arrives, and nothing is kept of
 * one that is too long, too deep or has too many values. The session was checked before (server.ts).
 */
export function readJsonBodies(
  app: Pick<FastifyInstance, 'getDefaultJsonParser' | 'removeContentTypeParser' | 'addContentTypeParser'>,
): void {
  const large = new LargeBodies()
  // "error": a text that would set a prototype is refused.
  const parse = app.getDefaultJsonParser('error', 'error')
  const parseSmall = (request: FastifyRequest, text: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      void parse(request, text, (error, value) => (error ? reject(error) : resolve(value)))
    })
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: IncomingMessage) => {
    const limit = request.routeOptions.bodyLimit
    const length = lengthOf(request)
    if (length > limit) return read(request, payload, limit)
    if (length <= LARGE) {
      const bytes = await read(request, payload, limit)
      if (bytes.length > BODY.session) await turn()
      return parseSmall(request, bytes.toString())
    }
    const leave = await large.enter(request.actor?.user ?? '')
    try {
      return await parseLarge(await read(request, payload, limit))
    } finally {
      leave()
    }
  })
}

/** As it says, or the most that it may come to. */
function lengthOf({ headers, routeOptions }: FastifyRequest): number {
  const said = headers['content-length']
  return said === undefined ? routeOptions.bodyLimit : Number(said)
}

/** The text of a body that looks as if it were of some use; throws TOO_LARGE or BAD_REQUEST. */
async function read(request: FastifyRequest, payload: Readable, limit: number): Promise<Buffer> {
  const { maxValues = MAX_VALUES } = request.routeOptions.config
  const scan = new JsonScan(MAX_DEPTH, maxValues)
  let fault: ScanFault | 'long' | null = null
  const length = lengthOf(request)
  if (length > limit) {
    if (length > DISCARDED) throw refused('long', limit, maxValues)
    fault = 'long'
  }
  // Grows: what arrives in single bytes is not kept as an object each, and what was promised takes no room.
  let bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_ROOM)
  let at = 0
  // With the request its connection would be destroyed, and nobody told why.
  for await (const part of payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    const end = at + part.length
    fault ??= end > limit ? 'long' : scan.push(part)
    if (fault === null) {
      if (end > bytes.length)
        bytes = grown(
          bytes,
          end > ALL_ROOM ? Math.min(limit, length) : Math.min(limit, Math.max(end, 2 * bytes.length)),
        )
      part.copy(bytes, at)
    } else if (end > Math.max(limit, DISCARDED)) break
    at = end
  }
  if (fault !== null) throw refused(fault, limit, maxValues)
  return bytes.subarray(0, at)
}

function grown(bytes: Buffer, length: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(length)
  bytes.copy(larger)
  return larger
}

/**
 * Parses a body that only an announce can have: hex and names of groups. What such a body has no use for would cost
 * several times as much to parse: escapes, other letters, prototypes.
 */
async function parseLarge(bytes: Buffer): Promise<unknown> {
  await turn()
  if (!isAscii(bytes) || bytes.includes('\\') || bytes.includes('__proto__') || bytes.includes('constructor'))
    throw new ShoalError('BAD_REQUEST', `a body of more than ${LARGE} bytes is plain ASCII without escapes`)
  await turn()
  const text = bytes.toString('latin1')
  await turn()
  try {
    return JSON.parse(text)
  } catch {
    throw new ShoalError('BAD_REQUEST', 'the body is no JSON')
  }
}

function refused(fault: ScanFault | 'long', limit: number, maxValues: number): ShoalError {
  if (fault === 'deep')
    return new ShoalError('BAD_REQUEST', `the body is nested deeper than ${MAX_DEPTH} levels`)
  if (fault === 'many') return new ShoalError('TOO_LARGE', `the body has more than ${maxValues} values`)
  return new ShoalError('TOO_LARGE', `the body is longer than ${limit} bytes, the most that is taken here`)
}
