import type { Static } from 'typebox'
import { Value } from 'typebox/value'
import * as api from '../api/schemas.ts'

/**
 * Checks a tracker's answers against the API's schemas. Importing this costs a tenth of a second, so the
 * client imports it while its first request is under way.
 */
const ANSWERS = {
  UserBody: api.UserBody,
  SessionBody: api.SessionBody,
  GroupBody: api.GroupBody,
  GroupList: api.GroupList,
  RequestList: api.RequestList,
  RevisionBody: api.RevisionBody,
  LeaveBody: api.LeaveBody,
  PromoteBody: api.PromoteBody,
  FileList: api.FileList,
  Published: api.Published,
  JoinedSwarms: api.JoinedSwarms,
  Announced: api.Announced,
  KeySet: api.KeySet,
  StatusBody: api.StatusBody,
}

export type AnswerName = keyof typeof ANSWERS
export type Answer<Name extends AnswerName> = Static<(typeof ANSWERS)[Name]>

/** null where `body` is an answer of this name, else the first thing that is wrong with it. */
export function answerFault(name: AnswerName, body: unknown): string | null {
  if (Value.Check(ANSWERS[name], body)) return null
  const [fault] = Value.Errors(ANSWERS[name], body)
  return fault ? `${fault.instancePath || 'it'} ${fault.message}` : 'it has the wrong shape'
}
