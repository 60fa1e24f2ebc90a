import type { Static } from 'typebox'
import { CHECKS } from './response-checks.gen.ts'
import type { RESPONSES, ResponseName } from './response-faults.ts'

export type Answer<Name extends ResponseName> = Static<(typeof RESPONSES)[Name]>

/**
 * Null if `body` is a valid answer of this name, else its first fault. The checks are the API's schemas compiled ahead of
 * time: loading TypeBox takes a tenth of a second, so it is loaded only to describe a fault.
 */
export async function answerFault(name: ResponseName, body: unknown): Promise<string | null> {
  if (CHECKS[name](body)) return null
  const { faultOf } = await import('./response-faults.ts')
  return faultOf(name, body)
}
