import Type, { type Static } from 'typebox'
import { chunkCount, MAX_FILE_SIZE } from '../../protocol/chunking.ts'
import { MAX_ANNOUNCED_GROUPS, MAX_BATCH, MAX_MOVING, MAX_PACKED_IDS } from './limits.ts'
import { ID_LENGTH } from './packed-files.ts'

/**
 * The bodies of the tracker's HTTP API, for both sides: the server validates requests and builds its OpenAPI document
 * with these schemas, and the client checks answers with them.
 */
export const Time = Type.String({ description: 'ISO 8601, UTC' })
/** Groups of four characters for three bytes; the last group is padded. */
const BASE64 = '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'
export const Hex64 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Name = Type.String({ minLength: 1, maxLength: 64 })
const FileName = Type.String({ minLength: 1, maxLength: 1024 })
const Password = Type.String({ minLength: 1, maxLength: 1024 })
/** Larger numbers are not exact in JSON. Every integer has both bounds: test/contract/integer-bounds.test.ts. */
const MAX = Number.MAX_SAFE_INTEGER
export const Count = Type.Integer({ minimum: 0, maximum: MAX })
export const VersionNumber = Type.Integer({ minimum: 1, maximum: MAX })
const Bytes = Type.Integer({ minimum: 0, maximum: MAX, description: 'bytes' })
const RoleName = Type.Union([Type.Literal('owner'), Type.Literal('admin'), Type.Literal('member')])

export const Credentials = Type.Object({ user: Name, password: Password })
export const PasswordChange = Type.Object({ old: Password, new: Password })
export const UserBody = Type.Object({ user: Type.String() })
export const SessionBody = Type.Object({ user: Type.String(), token: Type.String(), expires: Time })

export const GroupName = Type.Object({ group: Name })
export const UserNames = Type.Object({ users: Type.Array(Name, { minItems: 1, maxItems: MAX_BATCH }) })
export const UserName = Type.Object({ user: Name })
export const MemberBody = Type.Object({ user: Type.String(), role: RoleName, since: Time })
export const GroupBody = Type.Object({
  group: Type.String(),
  owner: Type.String(),
  role: Type.Union([RoleName, Type.Null()]),
  members: Type.Array(MemberBody),
  files: Count,
  revision: Count,
})
export const GroupList = Type.Object({
  groups: Type.Array(
    Type.Object({
      group: Type.String(),
      owner: Type.String(),
      members: Count,
      role: Type.Union([RoleName, Type.Null()]),
    }),
  ),
  next: Type.Union([Type.String(), Type.Null()]),
})
export const RequestList = Type.Object({
  requests: Type.Array(Type.Object({ user: Type.String(), since: Time })),
})
export const RevisionBody = Type.Object({ revision: Count })
export const LeaveBody = Type.Object({
  revision: Count,
  removed: Type.Boolean(),
  heir: Type.Union([Type.String(), Type.Null()]),
})
export const PromoteBody = Type.Object({ revision: Count, role: RoleName })

/** Of a snapshot. */
export const Tree = Type.Object({ entries: Count, files: Count, bytes: Count, trailer: Count })
export const FileBody = Type.Object({
  name: Type.String(),
  fileId: Hex64,
  size: Count,
  version: VersionNumber,
  uploader: Type.String(),
  added: Time,
  tree: Type.Optional(Tree),
})
export const ListedFile = Type.Intersect([FileBody, Type.Object({ seeders: Count, leechers: Count })])
export const FileList = Type.Object({
  files: Type.Array(ListedFile),
  next: Type.Union([Type.String(), Type.Null()]),
  revision: Count,
})
export const Publish = Type.Object({
  files: Type.Array(
    Type.Object({
      name: FileName,
      fileId: Hex64,
      size: Bytes,
      tree: Type.Optional(Tree),
      hashes: Type.Optional(Type.String({ description: 'packed chunk hashes, base64', maxLength: 4096 })),
    }),
    { minItems: 1, maxItems: MAX_BATCH },
  ),
})
export const Published = Type.Object({ files: Type.Array(FileBody), revision: Count })

export const PeerBody = Type.Object({
  peer: Hex64,
  host: Type.String(),
  port: Type.Integer({ minimum: 1, maximum: 65535 }),
  tls: Type.Boolean(),
  complete: Type.Boolean(),
})
export const JoinSwarms = Type.Object({
  peer: Hex64,
  fileIds: Type.Array(Hex64, { minItems: 1, maxItems: MAX_BATCH }),
  /** Whether to include the chunk hashes of short files. */
  hashes: Type.Optional(Type.Boolean()),
  /** Whether to include peers without TLS. Anybody on the way can read what they are sent, grants too. */
  plain: Type.Optional(Type.Boolean()),
})
export const JoinedSwarms = Type.Object({
  swarms: Type.Array(
    Type.Object({
      fileId: Hex64,
      grant: Type.String(),
      expires: Time,
      peers: Type.Array(PeerBody),
      hashes: Type.Optional(Type.String()),
    }),
  ),
})

/** A heartbeat's path: confirms the announce of this sequence. */
export const Heartbeat = Type.Object({ peer: Hex64, sequence: Count })
/** Concatenated file ids: a thousand in this form are checked and compared as fast as one (isPacked). */
const PackedIds = Type.String({
  maxLength: MAX_PACKED_IDS * ID_LENGTH,
  description: 'file ids in lower-case hex, concatenated without separators',
})
/** Proves that this session's user holds the key of the peer id (protocol/hello.ts). */
export const Hello = Type.Object({
  certificate: Type.String({ pattern: BASE64, maxLength: 4096, description: 'DER, base64' }),
  at: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'milliseconds' }),
  signature: Type.String({ pattern: BASE64, maxLength: 128, description: 'DER, base64' }),
})
/** Without `files` it acts as a heartbeat. */
export const Announce = Type.Object({
  peer: Hex64,
  port: Type.Integer({ minimum: 1, maximum: 65535 }),
  tls: Type.Boolean(),
  sequence: Count,
  leaving: Type.Optional(Type.Boolean()),
  hello: Type.Optional(Hello),
  files: Type.Optional(
    Type.Array(Type.Object({ group: Name, complete: PackedIds, partial: PackedIds }), {
      maxItems: MAX_ANNOUNCED_GROUPS,
    }),
  ),
})
export const Announced = Type.Object({
  /** Seconds until the next heartbeat, jittered by the tracker. */
  interval: Type.Number(),
  /** The replica does not know this peer's set at this sequence: send a full announce. */
  resync: Type.Boolean(),
  /** Why the peer is not handed out: the result of the tracker's call-back. */
  fault: Type.Optional(Type.Union([Type.Literal('unreachable'), Type.Literal('wrong certificate')])),
})

const Rate = Type.Integer({ minimum: 0, maximum: 2 ** 40, description: 'bytes per second' })
const Parts = Type.String({
  pattern: BASE64,
  maxLength: 88,
  description:
    'one byte for each of min(64, chunks) slices of the file, the share held of it from 0 to 255, in base64',
})
/** All of a peer's transfers. Replaces its previous report. */
export const Progress = Type.Object({
  peer: Hex64,
  files: Type.Array(
    Type.Object({
      group: Name,
      fileId: Hex64,
      held: Type.Integer({ minimum: 0, maximum: chunkCount(MAX_FILE_SIZE) }),
      parts: Parts,
      down: Rate,
      up: Rate,
    }),
    { maxItems: MAX_MOVING },
  ),
})
/** Seconds until the next report, jittered by the tracker. */
export const Progressed = Type.Object({ interval: Type.Number() })

const Sum = Type.Integer({ minimum: 0, maximum: MAX, description: 'bytes per second, of all its peers' })
const SwarmSums = { seeds: Count, leechers: Count, down: Sum, up: Sum }
export const MovingSwarms = Type.Object({
  swarms: Type.Array(
    Type.Object({ fileId: Hex64, name: Type.String(), size: Count, chunks: Count, ...SwarmSums }),
  ),
  /** The number of swarms, listed or not. */
  total: Count,
})
export const SwarmPicture = Type.Object({
  fileId: Hex64,
  size: Count,
  chunks: Count,
  /** The number of peers, shown or not. */
  total: Count,
  ...SwarmSums,
  peers: Type.Array(
    Type.Object({
      peer: Hex64,
      user: Type.String(),
      seed: Type.Boolean(),
      held: Type.Union([Count, Type.Null()]),
      parts: Parts,
      down: Rate,
      up: Rate,
    }),
  ),
})

export const KeySet = Type.Object({
  keys: Type.Array(
    Type.Object({
      kid: Type.String(),
      kty: Type.Literal('OKP'),
      crv: Type.Literal('Ed25519'),
      x: Type.String(),
      alg: Type.Optional(Type.String()),
      use: Type.Optional(Type.String()),
    }),
  ),
})
export const StatusBody = Type.Object({
  replicas: Type.Array(
    Type.Object({
      id: Type.String(),
      url: Type.String(),
      revisionLag: Count,
      uptime: Type.Number({ description: 'seconds' }),
      memory: Bytes,
      swarms: Count,
      peers: Count,
    }),
  ),
  users: Count,
  groups: Count,
  files: Count,
  swarms: Count,
  peers: Count,
  streams: Type.Object({
    changes: Type.Integer({ minimum: 0, maximum: MAX, description: 'events kept in all groups' }),
    longest: Type.Integer({
      minimum: 0,
      maximum: MAX,
      description: 'events kept in the group that has the most',
    }),
  }),
  redis: Type.Object({
    kind: Type.Union([
      Type.Literal('unix'),
      Type.Literal('single'),
      Type.Literal('sentinel'),
      Type.Literal('cluster'),
    ]),
    masters: Count,
    copies: Type.Integer({ minimum: 0, maximum: MAX, description: "Redis's own replicas of the masters" }),
    memory: Bytes,
  }),
})

export type SessionBody = Static<typeof SessionBody>
export type GroupBody = Static<typeof GroupBody>
export type GroupList = Static<typeof GroupList>
export type RequestList = Static<typeof RequestList>
export type ListedFile = Static<typeof ListedFile>
export type FileList = Static<typeof FileList>
export type Publish = Static<typeof Publish>
export type Published = Static<typeof Published>
export type JoinedSwarms = Static<typeof JoinedSwarms>
export type JoinedSwarm = JoinedSwarms['swarms'][number]
export type Announce = Static<typeof Announce>
export type Heartbeat = Static<typeof Heartbeat>
export type Announced = Static<typeof Announced>
export type Progress = Static<typeof Progress>
export type MovingSwarms = Static<typeof MovingSwarms>
export type SwarmPicture = Static<typeof SwarmPicture>
export type KeySet = Static<typeof KeySet>
export type StatusBody = Static<typeof StatusBody>
export type LeaveBody = Static<typeof LeaveBody>
