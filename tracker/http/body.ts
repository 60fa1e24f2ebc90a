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
    /** The maximum number of values in a JSON body (json-scan.ts). Default: MAX_VALUES. */
    maxValues?: number
  }
}

/** Larger bodies queue to be read and parsed. Only announces get this large. */
const LARGE = BODY.hashPage
/** How much of a refused body is read and discarded: many clients read no answer until they have sent everything. */
const DISCARDED = 1024 * 1024
const FIRST_ROOM = 4096
/** From this length on, allocate all that the body may need: unwritten memory costs nothing. */
const ALL_ROOM = 256 * 1024

/**
 * Replaces Fastify's own JSON body parser. It scans a body as it arrives, and keeps nothing of one that is too long, too
 * deep or has too many values. The session has already been checked (register.ts).
 */
export function readJsonBodies(
  app: Pick<FastifyInstance, 'getDefaultJsonParser' | 'removeContentTypeParser' | 'addContentTypeParser'>,
): void {
  const large = new LargeBodies()
  // "error": refuse a text that would set a prototype.
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

/** The declared length, or the maximum. */
function lengthOf({ headers, routeOptions }: FastifyRequest): number {
  const length = headers['content-length']
  return length === undefined ? routeOptions.bodyLimit : Number(length)
}

/** Reads a body and scans it. Throws TOO_LARGE or BAD_REQUEST. */
async function read(request: FastifyRequest, payload: Readable, limit: number): Promise<Buffer> {
  const { maxValues = MAX_VALUES } = request.routeOptions.config
  const scan = new JsonScan(MAX_DEPTH, maxValues)
  let fault: ScanFault | 'long' | null = null
  const length = lengthOf(request)
  if (length > limit) {
    if (length > DISCARDED) throw refused('long', limit, maxValues)
    fault = 'long'
  }
  // Grows with the data: single bytes do not become objects, and a declared length alone allocates nothing.
  let bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_ROOM)
  let at = 0
  // Destroying the request would close its connection before the client learns why.
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
 * Parses a large body, which must be an announce: hex digits and group names. It refuses what an announce never has and
 * what makes parsing several times slower: escapes, non-ASCII letters, prototypes.
 */
async function parseLarge(bytes: Buffer): Promise<unknown> {
  await turn()
  if (!isAscii(bytes) || bytes.includes('\\') || bytes.includes('__proto__') || bytes.includes('constructor'))
    throw new ShoalError(
      'BAD_REQUEST',
      `a body of more than ${LARGE} bytes must be plain ASCII without escapes`,
    )
  await turn()
  const text = bytes.toString('latin1')
  await turn()
  try {
    return JSON.parse(text)
  } catch {
    throw new ShoalError('BAD_REQUEST', 'the body is not valid JSON')
  }
}

function refused(fault: ScanFault | 'long', limit: number, maxValues: number): ShoalError {
  if (fault === 'deep')
    return new ShoalError('BAD_REQUEST', `the body is nested deeper than ${MAX_DEPTH} levels`)
  if (fault === 'many') return new ShoalError('TOO_LARGE', `the body has more than ${maxValues} values`)
  return new ShoalError('TOO_LARGE', `the body is longer than ${limit} bytes, the limit of this route`)
}
