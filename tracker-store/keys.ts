import type { Mutation } from './store.ts'

/**
 * Every name in Redis. What one script touches carries one hash tag, so that it lies on one node of a
 * Redis Cluster: `{g:GROUP}` or `{u:USER}`, the name folded to lower case, because names that differ in case
 * only must collide. The exact name is stored inside and compared on lookup.
 */
export const fold = (name: string): string => name.toLowerCase()

export interface GroupKeys {
  /** Counts the group's changes. Outlives the group, so that a new one of its name goes on counting. */
  revision: string
  stream: string
  /** Hash: name, created, owner. There exactly while the group is. */
  meta: string
  /** Hashes from the user's or file's name to its record (JSON). */
  members: string
  requests: string
  files: string
  /** Hash from file id to how many names have this content. */
  content: string
  /** Prefixes: scripts append the file id, and for staged pages ":USER". */
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
/** Changes with each page that is staged. */
export const stampKey = (group: string, user: string, fileId: string): string =>
  `${stagedKey(group, user, fileId)}:stamp`

export interface UserKeys {
  /** Hash: user, passwordHash, created. */
  record: string
  /** Sorted set of token hashes by expiry (ms); each has its session (JSON) under the prefix and its hash. */
  sessions: string
  sessionPrefix: string
}

export function userKeys(user: string): UserKeys {
  const tag = userTag(user)
  return { record: `${tag}:record`, sessions: `${tag}:sessions`, sessionPrefix: `${tag}:session:` }
}

/** Names the user and the operation too: another user's answer must not be had by guessing a key. */
export const groupIdempotencyKey = (group: string, operation: string, mutation: Mutation): string =>
  `${groupTag(group)}:idem:${operation}:${mutation.by}:${mutation.key}`

export const userIdempotencyKey = (operation: string, mutation: Mutation): string =>
  `${userTag(mutation.by)}:idem:${operation}:${mutation.by}:${mutation.key}`

/** Sorted set, all scores 0: group names in byte order (tracker-store/groups/directory.ts). */
export const GROUP_DIRECTORY = '{groups}'
/** Set of the folded names of all users: its size is their count. */
export const USER_DIRECTORY = '{users}'
export const SIGNING_KEYS = '{keys}'
export const REPLICA_DIRECTORY = '{replicas}'
export const replicaKey = (id: string): string => `${REPLICA_DIRECTORY}:${id}`
export const SCHEMA_KEY = '{shoal}:schema'
/** Id of the backup that is being restored; there exactly while that is not finished. */
export const RESTORE_KEY = '{shoal}:restore'

/** What a peer's id is appended to. Peers share sixteen hash tags, so that one script tells Redis of many. */
export const presencePrefix = (peer: string): string => `{p:${peer.charAt(0)}}:`
export const presenceKey = (peer: string): string => presencePrefix(peer) + peer
/** Set of the peers heard in one stretch of time. */
export const presenceBucketKey = (bucket: number): string => `{presence:${bucket}}`
export const PRESENCE_CHANNEL = 'presence'
/** Tells all replicas what peers move now. */
export const PROGRESS_CHANNEL = 'progress'
/** Tells all replicas which sessions were revoked. */
export const REVOCATION_CHANNEL = 'revocations'
