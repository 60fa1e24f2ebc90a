import type { Mutation } from './store.ts'

/**
 * Every key and channel in Redis. All keys of one script share a hash tag, so that a Redis Cluster keeps them on one
 * node: `{g:GROUP}` or `{u:USER}`. The name is folded to lower case, because names that differ only in case must
 * collide; the exact name is stored as a value and compared on lookup.
 */
export const fold = (name: string): string => name.toLowerCase()

export interface GroupKeys {
  /** Counts the group's changes. Survives the group, so that a new group of the same name continues it. */
  revision: string
  stream: string
  /** Hash: name, created, owner. Exists exactly as long as the group does. */
  meta: string
  /** Hashes from user or file name to record (JSON). */
  members: string
  requests: string
  files: string
  /** Hash from file id to the number of kept versions that have this content. */
  content: string
  /** Sorted sets whose scores are all 0. The names of all files, so that those below a folder are one range. */
  names: string
  /** Rows (scripts/lib.lua) of all kept versions but the newest of each name, of tags, and of changes of tags. */
  versions: string
  tags: string
  tagHistory: string
  /** Prefixes. Scripts append the file id, and ":USER" for staged pages. */
  hashesPrefix: string
  stagedPrefix: string
  /** Pub/sub channel of the group's events. */
  channel: string
}

export function groupKeys(group: string): GroupKeys {
  const tag = groupTag(group)
  return {
    revision: `${tag}:revision`,
    stream: `${tag}:stream`,
    meta: `${tag}:meta`,
    members: `${tag}:members`,
    requests: `${tag}:requests`,
    files: `${tag}:files`,
    content: `${tag}:content`,
    names: `${tag}:names`,
    versions: `${tag}:versions`,
    tags: `${tag}:tags`,
    tagHistory: `${tag}:tag-history`,
    hashesPrefix: `${tag}:hashes:`,
    stagedPrefix: `${tag}:staged:`,
    channel: `${tag}:events`,
  }
}

const groupTag = (group: string): string => `{g:${fold(group)}}`
const userTag = (user: string): string => `{u:${fold(user)}}`

export const hashesKey = (group: string, fileId: string): string => `${groupTag(group)}:hashes:${fileId}`
export const stagedKey = (group: string, user: string, fileId: string): string =>
  `${groupTag(group)}:staged:${fileId}:${user}`
/** Changes whenever a page is staged. */
export const stampKey = (group: string, user: string, fileId: string): string =>
  `${stagedKey(group, user, fileId)}:stamp`

export interface UserKeys {
  /** Hash: user, passwordHash, created. */
  record: string
  /** Sorted set of token hashes by expiry (ms). The session (JSON) is at the prefix plus its token hash. */
  sessions: string
  sessionPrefix: string
}

export function userKeys(user: string): UserKeys {
  const tag = userTag(user)
  return { record: `${tag}:record`, sessions: `${tag}:sessions`, sessionPrefix: `${tag}:session:` }
}

/** Includes the user and the operation, so that guessing a key does not reveal another user's answer. */
export const groupIdempotencyKey = (group: string, operation: string, mutation: Mutation): string =>
  `${groupTag(group)}:idem:${operation}:${mutation.by}:${mutation.key}`

export const userIdempotencyKey = (operation: string, mutation: Mutation): string =>
  `${userTag(mutation.by)}:idem:${operation}:${mutation.by}:${mutation.key}`

/** Sorted set with all scores 0: group names in byte order (tracker-store/groups/directory.ts). */
export const GROUP_DIRECTORY = '{groups}'
/** Set of all folded user names. Its size is the number of users. */
export const USER_DIRECTORY = '{users}'
export const SIGNING_KEYS = '{keys}'
export const REPLICA_DIRECTORY = '{replicas}'
export const replicaKey = (id: string): string => `${REPLICA_DIRECTORY}:${id}`
export const SCHEMA_KEY = '{shoal}:schema'
/** Id of the backup that is being restored. Exists until the restore is complete. */
export const RESTORE_KEY = '{shoal}:restore'

/** Prefix of a peer's key. Peers share sixteen hash tags, so that one script call can write many. */
export const presencePrefix = (peer: string): string => `{p:${peer.charAt(0)}}:`
export const presenceKey = (peer: string): string => presencePrefix(peer) + peer
/** Set of the peers that were heard in one time bucket. */
export const presenceBucketKey = (bucket: number): string => `{presence:${bucket}}`
export const PRESENCE_CHANNEL = 'presence'
/** Carries peers' progress reports to all replicas. */
export const PROGRESS_CHANNEL = 'progress'
/** Carries revoked sessions to all replicas. */
export const REVOCATION_CHANNEL = 'revocations'
