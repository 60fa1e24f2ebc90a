import { Value } from 'typebox/value'
import * as api from './api/schemas.ts'
import * as versions from './api/version-schemas.ts'

/** The schemas of a tracker's answers. response-checks.gen.ts is generated from them. */
export const RESPONSES = {
  UserBody: api.UserBody,
  SessionBody: api.SessionBody,
  GroupBody: api.GroupBody,
  GroupList: api.GroupList,
  RequestList: api.RequestList,
  RevisionBody: api.RevisionBody,
  LeaveBody: api.LeaveBody,
  PromoteBody: api.PromoteBody,
  FileList: api.FileList,
  VersionList: versions.VersionList,
  ResolvedFile: versions.ResolvedFile,
  TagList: versions.TagList,
  TaggedBody: versions.TaggedBody,
  TagHistory: versions.TagHistory,
  Published: api.Published,
  JoinedSwarms: api.JoinedSwarms,
  Announced: api.Announced,
  Progressed: api.Progressed,
  KeySet: api.KeySet,
  StatusBody: api.StatusBody,
}

export type ResponseName = keyof typeof RESPONSES

/** The first fault of `body` as an answer of this name. */
export function faultOf(name: keyof typeof RESPONSES, body: unknown): string {
  const [fault] = Value.Errors(RESPONSES[name], body)
  return fault ? `${fault.instancePath || 'it'} ${fault.message}` : 'it has the wrong shape'
}
