import type { FileRecord, GroupEvent, ProgressReport, Role } from '../protocol/records.ts'
import type { GroupView } from './groups/group-view.ts'

/**
 * The tracker's metadata: read this file first. Redis is the one source of truth; each method that changes
 * something is ONE Lua script (tracker-store/scripts/), atomic and idempotent by its mutation's key: the same
 * key again returns the first answer and changes nothing, for 24 hours. test/contract proves every promise
 * here against a real Redis. Methods throw ShoalError with the codes named, and STORE_UNAVAILABLE within a
 * second when Redis does not answer; nothing is queued for later.
 */
export interface Store {
  readonly users: UserStore
  readonly sessions: SessionStore
  readonly groups: GroupStore
  readonly hashes: HashStore
  readonly keys: KeyStore
  readonly presence: PresenceStore
  readonly progress: ProgressChannel
  readonly replicas: ReplicaStore
  /** Whether Redis answers and every loaded view is current. */
  ready(): Promise<boolean>
  /** How Redis is. Throws STORE_UNAVAILABLE too where one of a cluster's masters is missing. */
  status(): Promise<RedisStatus>
  /** Leaves the fleet and closes all connections. Does not stop Redis. */
  close(): Promise<void>
}

export interface RedisStatus {
  kind: 'unix' | 'single' | 'sentinel' | 'cluster'
  /** Servers that hold data: one, or a cluster's masters. */
  masters: number
  /** Redis's own copies of them that are connected. */
  copies: number
  /** Bytes that the masters' data takes, summed. */
  memory: number
}

/** Who makes a change, and the key under which a repetition of it is recognised (1 to 128 characters). */
export interface Mutation {
  key: string
  by: string
  /** ISO 8601: the replica's clock, written into records and events. */
  at: string
}

export interface UserRecord {
  user: string
  /** PHC string: "$scrypt$ln=15,r=8,p=3$salt$hash". */
  passwordHash: string
  created: string
}

export interface UserStore {
  /** Throws USER_TAKEN, also for a name that differs only in case. */
  create(mutation: Mutation, user: { user: string; passwordHash: string }): Promise<void>
  /** null where there is no such user (names are compared exactly). */
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

/** Sessions are found by the SHA-256 (hex) of their token; the token itself is never stored. */
export interface SessionStore {
  create(
    mutation: Mutation,
    session: { tokenHash: string; expires: string; scope: Session['scope'] },
  ): Promise<void>
  /** null when unknown, revoked or expired. Answers from a short-lived cache that revocations clear on all replicas. */
  get(user: string, tokenHash: string): Promise<Session | null>
  /** The same without waiting: null too where that cache does not have it. */
  cached(user: string, tokenHash: string): Session | null
  revoke(mutation: Mutation, tokenHash: string): Promise<void>
}

export interface GroupTotals {
  files: number
  /** Changes that the groups' streams hold, and the longest of them. */
  changes: number
  longestStream: number
}

export interface GroupSummary {
  group: string
  owner: string
  members: number
  files: number
  /** The role of the user who asks; null where nobody does or it is no member. */
  role: Role | null
}

/** An answer and the revision of the group that it was read at. */
export interface Revised {
  revision: number
}

export interface GroupStore {
  /** Throws GROUP_TAKEN (also for a difference in case only). The maker becomes the owner. */
  create(mutation: Mutation, group: string): Promise<Revised>
  /**
   * The group at `atLeast` (a revision the client has seen) or later; null where there is no such group.
   * Served from memory, also while Redis is away; a view that is behind catches up from the stream first. Where
   * it cannot, it throws STORE_UNAVAILABLE, lest a client see time go backwards.
   */
  view(group: string, atLeast?: number): Promise<GroupView | null>
  /** The group if it is in memory and current: what `view` would answer without waiting. */
  viewHere(group: string): GroupView | null
  /**
   * The group as Redis has it now, at the cost of a round trip: to be looked at before a "no", since what somebody
   * was just told is done may not have come here yet. While Redis is away, as `view`.
   */
  viewNow(group: string): Promise<GroupView | null>
  /**
   * Those of the groups that the user is a member of, as Redis has them now: two small questions a name, whatever
   * there is of it, in slices. Nothing is loaded.
   */
  ofMember(user: string, groups: readonly string[]): Promise<string[]>
  /** How long ago, in milliseconds, views were last known to be current: under a second, but while Redis is away. */
  readonly viewAge: number
  /** Groups in memory, and the revisions by which they are known to be behind, summed. */
  readonly views: { readonly count: number; readonly lag: number }
  /** Up to `limit` group names after `after` in byte order, with what a stranger may know of each, and `user`'s role. */
  list(after: string, limit: number, user?: string): Promise<{ groups: GroupSummary[]; next: string | null }>
  count(): Promise<number>
  /** Sums over all groups, each read by itself: for operators, not for every request. */
  totals(): Promise<GroupTotals>

  /** Throws GROUP_NOT_FOUND, ALREADY_MEMBER, ALREADY_REQUESTED. */
  request(mutation: Mutation, group: string): Promise<Revised>
  /** All or none. Throws GROUP_NOT_FOUND, NOT_AN_ADMIN, REQUEST_NOT_FOUND. */
  accept(mutation: Mutation, group: string, users: readonly string[]): Promise<Revised>
  /** All or none. Throws GROUP_NOT_FOUND, NOT_AN_ADMIN, REQUEST_NOT_FOUND. */
  reject(mutation: Mutation, group: string, users: readonly string[]): Promise<Revised>
  /**
   * An owner's place goes to the admin of longest standing; LAST_OWNER where there are members and no admin.
   * The last member's leaving removes the group with its files. Throws GROUP_NOT_FOUND, NOT_A_MEMBER.
   */
  leave(mutation: Mutation, group: string): Promise<Revised & { removed: boolean; heir: string | null }>
  /**
   * All or none. Admins remove members, the owner also admins; nobody the owner.
   * Throws GROUP_NOT_FOUND, NOT_AN_ADMIN, NOT_THE_OWNER, MEMBER_NOT_FOUND.
   */
  kick(mutation: Mutation, group: string, users: readonly string[]): Promise<Revised>
  /** The owner makes a member an admin. Throws GROUP_NOT_FOUND, NOT_THE_OWNER, MEMBER_NOT_FOUND, ALREADY_ADMIN. */
  promote(mutation: Mutation, group: string, user: string): Promise<Revised & { role: Role }>

  /**
   * Publishes files, all or none; each becomes the next version under its name. The same content again under
   * the same name is the same version. A file's hashes must be there: inline here, published before, or staged
   * (HashStore) and unchanged since the stamp given. Throws GROUP_NOT_FOUND, NOT_A_MEMBER, HASHES_NEEDED.
   */
  publish(
    mutation: Mutation,
    group: string,
    files: readonly NewFile[],
  ): Promise<Revised & { files: FileRecord[] }>
  /** The answer to a publish of this key that was made before; null where none was. */
  publishedBefore(mutation: Mutation, group: string): Promise<(Revised & { files: FileRecord[] }) | null>
  /**
   * The versions of the file that has this name now, newest first, as far back as the group's changes are kept
   * (some 4,000 are). Empty where they tell of none, null where they tell that it is removed. Throws STORE_UNAVAILABLE.
   */
  versions(group: string, name: string): Promise<FileRecord[] | null>
  /** By the uploader or an admin. Throws GROUP_NOT_FOUND, NOT_A_MEMBER, FILE_NOT_FOUND, NOT_AN_ADMIN. */
  removeFile(mutation: Mutation, group: string, name: string): Promise<Revised>

  /**
   * The group's changes after `revision` as they arrive here, without a gap, until the signal aborts; an
   * outage only delays them. Throws REVISION_TOO_OLD where they are no longer kept (some 4,000 are).
   */
  events(group: string, revision: number, signal: AbortSignal): AsyncIterable<GroupEvent>
  /** Calls back with changes of loaded groups as they are published: some may be missed, some come twice. */
  onEvent(listener: (event: GroupEvent) => void): void
}

export interface NewFile {
  name: string
  fileId: string
  size: number
  /** Packed chunk hashes (n × 32 bytes) for a file short enough to carry them; else they are staged first. */
  hashes?: Uint8Array
  /** Without inline hashes: the stamp that the staged ones had before they were checked. */
  stamp?: string
}

/** Chunk hashes of published files: packed, 32 bytes each, read and written in pages. */
export interface HashStore {
  /**
   * Writes a page at chunk index `first` into the user's staging area, which lives for an hour. Pages come in
   * order (any may come again): throws HASHES_NEEDED for one that would leave a hole before
   * it, TOO_LARGE beyond 2^24 hashes (a file of 8 TiB).
   */
  stage(group: string, user: string, fileId: string, first: number, page: Uint8Array): Promise<void>
  /** Differs after each page that is staged, so that what was checked is what is published; null where nothing is. */
  stamp(group: string, user: string, fileId: string): Promise<string | null>
  /** Staged bytes of this user for the file: [from, from + count) chunks, shorter at the end. */
  staged(group: string, user: string, fileId: string, first: number, count: number): Promise<Buffer>
  /** Hashes of chunks [first, first + count) of a published file, shorter at the end, empty where unknown. */
  read(group: string, fileId: string, first: number, count: number): Promise<Buffer>
  has(group: string, fileId: string): Promise<boolean>
}

/** The fleet's grant keys: private ones as PKCS #8 PEM, newest first. */
export interface KeyStore {
  list(): Promise<SigningKey[]>
  /** Adds `candidate` unless a key younger than `maxAgeMs` is there; keeps the newest two. Returns the list. */
  rotate(candidate: SigningKey, maxAgeMs: number): Promise<SigningKey[]>
}

export interface SigningKey {
  kid: string
  privateKey: string
  created: string
}

/** What one peer serves, as announced: soft state that expires unless it is repeated. */
export interface PeerPresence {
  peer: string
  user: string
  host: string
  port: number
  tls: boolean
  /** A call-back to this host and port found the holder of the peer's key: only then is it handed out. */
  reachable?: boolean
  /** Counts up at each change of the peer's set, so that an older announce never undoes a newer one. */
  sequence: number
  /** Milliseconds since the epoch at which this was last heard. */
  seen: number
  /** One item a group. */
  files: readonly ServedFiles[]
}

/** Files of one group, as their ids in hex, one behind the other: those that a peer holds whole, and in part. */
export interface ServedFiles {
  group: string
  complete: string
  partial: string
}

export type PresenceChange =
  | { type: 'announce'; presence: PeerPresence }
  /** `announced`: what it repeats, where that is known here. It is told again where Redis has lost it. */
  | { type: 'heartbeat'; peer: string; sequence: number; seen: number; announced?: Readonly<PeerPresence> }
  | { type: 'gone'; peer: string; sequence: number; seen: number }

/**
 * How replicas share presence: changes are batched, written to Redis with an expiry, and sent to the other
 * replicas. Swarms themselves live in the tracker's memory (tracker/presence/).
 */
export interface PresenceStore {
  /** Queues a change for the next batch (sent within 100 ms); costs no round trip. */
  push(change: PresenceChange): void
  /** Every peer heard within the expiry, for a replica that starts or was cut off. */
  load(): AsyncIterable<PeerPresence>
  /** Those of the peers that are there: for a replica that missed what was announced. */
  read(peers: readonly string[]): Promise<PeerPresence[]>
  /** Calls back with the other replicas' changes, and with null when some may have been missed: load again. */
  subscribe(listener: (change: PresenceChange | null) => void): void
  /** Milliseconds after which a silent peer is forgotten. */
  readonly expiryMs: number
}

/** How replicas tell each other what peers report: from memory to memory, batched. What is lost is soon reported anew. */
export interface ProgressChannel {
  /** Queues a report for the next batch (sent within 250 ms); costs no round trip. */
  push(report: ProgressReport): void
  /** Calls back with what the other replicas heard. */
  subscribe(listener: (report: ProgressReport) => void): void
}

export interface ReplicaInfo {
  id: string
  url: string
  /** ISO 8601. */
  started: string
  /** Bytes of memory that its process takes. */
  memory: number
  /** What it knows of presence: swarms with at least one peer, and peers. */
  swarms: number
  peers: number
  /** Revisions by which the replica's loaded views are behind, summed. */
  revisionLag: number
}

export interface ReplicaStore {
  /** Registers this replica and keeps it registered; `info` is asked for at each beat, the store adds the lag. */
  join(info: () => Omit<ReplicaInfo, 'revisionLag'>): Promise<void>
  list(): Promise<ReplicaInfo[]>
}
