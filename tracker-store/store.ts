import type { FileRecord, GroupEvent, ProgressReport, Role, TreeSummary } from '../protocol/records.ts'
import type { GroupView } from './groups/group-view.ts'
import type { Mutation, Revised } from './mutation.ts'
import type { VersionStore } from './version-store.ts'

export type { Mutation, Revised }

/**
 * The tracker's metadata. Read this file first. Redis is the one source of truth. Each mutation is ONE Lua script
 * (tracker-store/scripts/), atomic and idempotent: the same mutation key returns the first answer and changes nothing,
 * for 24 hours. test/contract proves every promise here against a real Redis. Methods throw ShoalError with the codes
 * named, and STORE_UNAVAILABLE within a second if Redis does not answer; nothing is queued for later.
 */
export interface Store {
  readonly users: UserStore
  readonly sessions: SessionStore
  readonly groups: GroupStore
  readonly versions: VersionStore
  readonly hashes: HashStore
  readonly keys: KeyStore
  readonly presence: PresenceStore
  readonly progress: ProgressChannel
  readonly replicas: ReplicaStore
  /** Whether Redis answers and every loaded view is current. */
  ready(): Promise<boolean>
  /** The state of Redis. Also throws STORE_UNAVAILABLE if any master of a cluster is missing. */
  status(): Promise<RedisStatus>
  /** Leaves the fleet and closes all connections. Does not stop Redis. */
  close(): Promise<void>
}

export interface RedisStatus {
  kind: 'unix' | 'single' | 'sentinel' | 'cluster'
  /** Servers that hold data: one, or the masters of a cluster. */
  masters: number
  /** Connected replicas of the masters (Redis's own, not the tracker's). */
  copies: number
  /** Memory of all masters, in bytes. */
  memory: number
}

export interface UserRecord {
  user: string
  /** PHC string: "$scrypt$ln=15,r=8,p=3$salt$hash". */
  passwordHash: string
  created: string
}

export interface UserStore {
  /** Throws USER_TAKEN, also if the name differs only in case. */
  create(mutation: Mutation, user: { user: string; passwordHash: string }): Promise<void>
  /** Null if there is no such user. Names are compared exactly. */
  get(user: string): Promise<UserRecord | null>
  /** Replaces the hash if it is still `previousHash` (else WRONG_PASSWORD) and revokes every session but `keepTokenHash`. */
  setPassword(
    mutation: Mutation,
    change: { passwordHash: string; previousHash: string; keepTokenHash?: string },
  ): Promise<void>
  count(): Promise<number>
}

export interface Session {
  user: string
  created: string
  expires: string
  scope: 'read' | 'write'
}

/** Sessions are keyed by the SHA-256 (hex) of their token. The token itself is never stored. */
export interface SessionStore {
  create(
    mutation: Mutation,
    session: { tokenHash: string; expires: string; scope: Session['scope'] },
  ): Promise<void>
  /** Null if unknown, revoked or expired. Reads a short-lived cache that revocations clear on all replicas. */
  get(user: string, tokenHash: string): Promise<Session | null>
  /** The same without waiting: null also if the cache lacks it. */
  cached(user: string, tokenHash: string): Session | null
  revoke(mutation: Mutation, tokenHash: string): Promise<void>
}

export interface GroupTotals {
  files: number
  /** Events in all groups' streams, and the length of the longest stream. */
  changes: number
  longestStream: number
}

export interface GroupSummary {
  group: string
  owner: string
  members: number
  files: number
  /** The role of the user who asks. Null without a user, or if not a member. */
  role: Role | null
}

export interface GroupStore {
  /** Throws GROUP_TAKEN, also if the name differs only in case. The creator becomes the owner. */
  create(mutation: Mutation, group: string): Promise<Revised>
  /**
   * The group at `atLeast` (a revision the client has seen) or later, or null if there is no such group. Served from
   * memory, even during a Redis outage. A view that lags catches up first; if it cannot, this throws STORE_UNAVAILABLE,
   * so that no client sees time go backwards.
   */
  view(group: string, atLeast?: number): Promise<GroupView | null>
  /** The group if it is in memory and current: what `view` would return without waiting. */
  viewHere(group: string): GroupView | null
  /**
   * The group as Redis has it now, at the cost of a round trip. Ask it before a refusal: a change that was just confirmed
   * may not have reached this replica. During an outage it acts like `view`.
   */
  viewNow(group: string): Promise<GroupView | null>
  /**
   * Those of `groups` that the user is a member of, as Redis has them now. At most two small commands a group, in slices;
   * no group is loaded.
   */
  ofMember(user: string, groups: readonly string[]): Promise<string[]>
  /** Milliseconds since views were last known to be current: under a second, except during an outage. */
  readonly viewAge: number
  /** The number of groups in memory, and how many revisions they are known to lag, summed. */
  readonly views: { readonly count: number; readonly lag: number }
  /** Up to `limit` groups after the name `after` in byte order: what anyone may see of each, and the role of `user`. */
  list(after: string, limit: number, user?: string): Promise<{ groups: GroupSummary[]; next: string | null }>
  count(): Promise<number>
  /** Sums over all groups, read one by one: for operators, not for every request. */
  totals(): Promise<GroupTotals>

  /** Throws GROUP_NOT_FOUND, ALREADY_MEMBER, ALREADY_REQUESTED. */
  request(mutation: Mutation, group: string): Promise<Revised>
  /** All or none. Throws GROUP_NOT_FOUND, NOT_AN_ADMIN, REQUEST_NOT_FOUND. */
  accept(mutation: Mutation, group: string, users: readonly string[]): Promise<Revised>
  /** All or none. Throws GROUP_NOT_FOUND, NOT_AN_ADMIN, REQUEST_NOT_FOUND. */
  reject(mutation: Mutation, group: string, users: readonly string[]): Promise<Revised>
  /**
   * The longest-serving admin inherits from an owner; LAST_OWNER if there are members but no admin. The last member to
   * leave removes the group and its files. Throws GROUP_NOT_FOUND, NOT_A_MEMBER.
   */
  leave(mutation: Mutation, group: string): Promise<Revised & { removed: boolean; heir: string | null }>
  /**
   * All or none. Admins can remove members, the owner can remove admins too, and nobody can remove the owner.
   * Throws GROUP_NOT_FOUND, NOT_AN_ADMIN, NOT_THE_OWNER, MEMBER_NOT_FOUND.
   */
  kick(mutation: Mutation, group: string, users: readonly string[]): Promise<Revised>
  /** The owner makes a member an admin. Throws GROUP_NOT_FOUND, NOT_THE_OWNER, MEMBER_NOT_FOUND, ALREADY_ADMIN. */
  promote(mutation: Mutation, group: string, user: string): Promise<Revised & { role: Role }>

  /**
   * Publishes files, all or none. Each becomes the next version of its name; unchanged content keeps its version. A
   * file's hashes must exist: inline here, published before, or staged (HashStore) and unchanged since `stamp`.
   * A new name must not be a folder's, nor lead through a file's: NAME_CONFLICT.
   * Throws GROUP_NOT_FOUND, NOT_A_MEMBER, HASHES_NEEDED, NAME_CONFLICT.
   */
  publish(
    mutation: Mutation,
    group: string,
    files: readonly NewFile[],
  ): Promise<Revised & { files: FileRecord[] }>
  /** The answer to an earlier publish with this key, or null. */
  publishedBefore(mutation: Mutation, group: string): Promise<(Revised & { files: FileRecord[] }) | null>
  /** Removes all versions and tags. Only the newest version's uploader or an admin may. Throws GROUP_NOT_FOUND, NOT_A_MEMBER, FILE_NOT_FOUND, NOT_AN_ADMIN. */
  removeFile(mutation: Mutation, group: string, name: string): Promise<Revised>

  /**
   * The group's changes after `revision`, in order and without gaps, until the signal aborts. An outage only delays
   * them. Throws REVISION_TOO_OLD if the stream no longer has them (it keeps about 4,000).
   */
  events(group: string, revision: number, signal: AbortSignal): AsyncIterable<GroupEvent>
  /** Calls back with changes of loaded groups as they are published. Some may be missed, some may come twice. */
  onEvent(listener: (event: GroupEvent) => void): void
}

export interface NewFile {
  name: string
  fileId: string
  size: number
  tree?: TreeSummary
  /** Packed chunk hashes (n × 32 bytes), if the file is small enough for them. Otherwise stage them first. */
  hashes?: Uint8Array
  /** Without inline hashes: the stamp of the staged ones from before they were checked. */
  stamp?: string
}

/** Chunk hashes of published files: packed, 32 bytes each, read and written in pages. */
export interface HashStore {
  /**
   * Writes a page at chunk index `first` to the user's staging area, which expires after an hour. Pages come in order and
   * may be repeated. Throws HASHES_NEEDED if an earlier page is missing, TOO_LARGE beyond 2^24 hashes (a file of 8 TiB).
   */
  stage(group: string, user: string, fileId: string, first: number, page: Uint8Array): Promise<void>
  /** Changes with each staged page, so that only checked hashes are published. Null if nothing is staged. */
  stamp(group: string, user: string, fileId: string): Promise<string | null>
  /** This user's staged hashes of chunks [first, first + count), fewer at the end. */
  staged(group: string, user: string, fileId: string, first: number, count: number): Promise<Buffer>
  /** Hashes of chunks [first, first + count) of a published file: fewer at the end, empty if unknown. */
  read(group: string, fileId: string, first: number, count: number): Promise<Buffer>
  has(group: string, fileId: string): Promise<boolean>
}

/** The fleet's grant keys, newest first; private keys are PKCS #8 PEM. */
export interface KeyStore {
  list(): Promise<SigningKey[]>
  /** Adds `candidate` unless a key younger than `maxAgeMs` exists; keeps the newest two. Returns the list. */
  rotate(candidate: SigningKey, maxAgeMs: number): Promise<SigningKey[]>
}

export interface SigningKey {
  kid: string
  privateKey: string
  created: string
}

/** The files that one peer announces: soft state that expires unless repeated. */
export interface PeerPresence {
  peer: string
  user: string
  host: string
  port: number
  tls: boolean
  /** A call-back to this host and port reached the holder of the peer's key. Only such peers are handed out. */
  reachable?: boolean
  /** Incremented when the peer's set changes, so that an older announce never undoes a newer one. */
  sequence: number
  /** When the peer was last heard: milliseconds since the epoch. */
  seen: number
  /** One item per group. */
  files: readonly ServedFiles[]
}

/** The concatenated hex ids of one group's files that a peer holds: complete ones, and partial ones. */
export interface ServedFiles {
  group: string
  complete: string
  partial: string
}

export type PresenceChange =
  | { type: 'announce'; presence: PeerPresence }
  /** `announced`: the announce that it repeats, if known here. It is sent again if Redis has lost it. */
  | { type: 'heartbeat'; peer: string; sequence: number; seen: number; announced?: Readonly<PeerPresence> }
  | { type: 'gone'; peer: string; sequence: number; seen: number }

/**
 * Shares presence between replicas: changes are batched, written to Redis with an expiry, and sent to the other
 * replicas. The swarms themselves are in the tracker's memory (tracker/presence/).
 */
export interface PresenceStore {
  /** Queues a change for the next batch (sent within 100 ms); costs no round trip. */
  push(change: PresenceChange): void
  /** Every peer that has not expired, for a replica that starts or was cut off. */
  load(): AsyncIterable<PeerPresence>
  /** Those of `peers` that exist, for a replica that missed their announces. */
  read(peers: readonly string[]): Promise<PeerPresence[]>
  /** Calls back with the other replicas' changes, and with null if some may be missed: load again. */
  subscribe(listener: (change: PresenceChange | null) => void): void
  /** Milliseconds after which a silent peer expires. */
  readonly expiryMs: number
}

/** Shares peers' progress between replicas, batched and in memory only. A lost report is soon replaced. */
export interface ProgressChannel {
  /** Queues a report for the next batch (sent within 250 ms); costs no round trip. */
  push(report: ProgressReport): void
  /** Calls back with reports that other replicas received. */
  subscribe(listener: (report: ProgressReport) => void): void
}

export interface ReplicaInfo {
  id: string
  url: string
  /** ISO 8601. */
  started: string
  /** Memory of its process, in bytes. */
  memory: number
  /** The replica's view of presence: swarms with at least one peer, and peers. */
  swarms: number
  peers: number
  /** How many revisions the replica's loaded views lag, summed. */
  revisionLag: number
}

export interface ReplicaStore {
  /** Registers this replica and keeps it registered. The store calls `info` at each beat and adds the lag. */
  join(info: () => Omit<ReplicaInfo, 'revisionLag'>): Promise<void>
  list(): Promise<ReplicaInfo[]>
}
