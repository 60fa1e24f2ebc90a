import { HASH_SIZE } from '../protocol/chunking.ts'
import { errorFromBody } from '../protocol/errors.ts'
import type { WireAnswer } from './exchange.ts'
import { TryNext } from './failover.ts'
import { type Answer, answerFault } from './response-check.ts'
import type { ResponseName } from './response-faults.ts'

/** Statuses that another tracker may not answer: no store, overload, or a broken proxy in front of this one. */
const ELSEWHERE = new Set([502, 503, 504])

/** Throws the ShoalError of a failed answer, or TryNext if another tracker may do better. */
export function checkStatus(tracker: string, status: number, body: Buffer): void {
  if (status >= 200 && status < 300) return
  if (status >= 300 && status < 400) throw TryNext.badAnswer(tracker, `it is a redirect (status ${status})`)
  const error = errorFromBody(parsed(body))
  if (ELSEWHERE.has(status)) throw new TryNext(tracker, `status ${status}`, error ? { report: error } : {})
  throw error ?? TryNext.badAnswer(tracker, `status ${status} without a known error`)
}

export async function readJson<Name extends ResponseName>(
  tracker: string,
  name: Name,
  answer: WireAnswer,
): Promise<Answer<Name>> {
  checkStatus(tracker, answer.status, answer.body)
  const body = parsed(answer.body)
  if (body === undefined) throw TryNext.badAnswer(tracker, 'it is not JSON')
  const fault = await answerFault(name, body)
  if (fault !== null) throw TryNext.badAnswer(tracker, fault)
  return body as Answer<Name>
}

/** For mutations without an answer: 204 and no other success. */
export function readNothing(tracker: string, answer: WireAnswer): void {
  checkStatus(tracker, answer.status, answer.body)
  if (answer.status !== 204) throw TryNext.badAnswer(tracker, `status ${answer.status} instead of 204`)
}

/** Packed hashes of at most `count` chunks. */
export function readHashes(tracker: string, answer: WireAnswer, count: number): Buffer {
  checkStatus(tracker, answer.status, answer.body)
  const type = answer.headers['content-type'] ?? 'none'
  if (type !== 'application/octet-stream') throw TryNext.badAnswer(tracker, `its content type is ${type}`)
  const { length } = answer.body
  if (length % HASH_SIZE !== 0) throw TryNext.badAnswer(tracker, 'its length is not a whole number of hashes')
  if (length > count * HASH_SIZE) throw TryNext.badAnswer(tracker, `it has more than ${count} hashes`)
  return answer.body
}

/** Undefined if it is not JSON. */
function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}
