import type { Static } from 'typebox'
import { CHECKS } from './response-checks.gen.ts'
import type { RESPONSES, ResponseName } from './response-faults.ts'

export type Answer<Name extends ResponseName> = Static<(typeof RESPONSES)[Name]>

/**
 * null where `body` is an answer of this name, else the first thing that is wrong with it. The checks are the
 * API's schemas compiled ahead of time: TypeBox itself takes a tenth of a second to load, and comes only where
 * there is a fault to be told.
 */
export async function answerFault(name: ResponseName, body: unknown): Promise<string | null> {
  if (CHECKS[name](body)) return null
  const { faultOf } = await import('./response-faults.ts')
  return faultOf(name, body)
}
