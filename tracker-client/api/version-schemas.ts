import Type, { type Static } from 'typebox'
import { Count, FileBody, Hex64, Time, VersionNumber } from './schemas.ts'

/** The bodies of requests about versions and tags. */
const NoVersion = Type.Union([VersionNumber, Type.Null()])

export const ListedVersion = Type.Intersect([
  FileBody,
  Type.Object({ tags: Type.Optional(Type.Array(Type.String())) }),
])
/** Newest first. `next`: ask for the versions before this one. Trackers before schema 2 send neither that nor tags. */
export const VersionList = Type.Object({
  versions: Type.Array(ListedVersion),
  next: Type.Optional(NoVersion),
  revision: Count,
})
/** The version that a target means, and the path in its tree ('' is the whole). */
export const ResolvedFile = Type.Object({ file: FileBody, path: Type.String(), revision: Count })

export const TagBody = Type.Object({
  name: Type.String(),
  tag: Type.String(),
  version: VersionNumber,
  fileId: Hex64,
  by: Type.String(),
  at: Time,
})
export const TagList = Type.Object({ tags: Type.Array(TagBody), revision: Count })
export const TagVersion = Type.Object({ version: VersionNumber })
export const TaggedBody = Type.Object({ tag: TagBody, revision: Count })
/** Newest first. */
export const TagHistory = Type.Object({
  changes: Type.Array(
    Type.Object({
      name: Type.String(),
      tag: Type.String(),
      revision: Count,
      from: NoVersion,
      to: NoVersion,
      by: Type.String(),
      at: Time,
    }),
  ),
  revision: Count,
})

export type ListedVersion = Static<typeof ListedVersion>
export type VersionList = Static<typeof VersionList>
export type ResolvedFile = Static<typeof ResolvedFile>
export type TagList = Static<typeof TagList>
export type TaggedBody = Static<typeof TaggedBody>
export type TagHistory = Static<typeof TagHistory>
