import Type, { type Static } from 'typebox'
import { chunkCount, MAX_FILE_SIZE } from '../../protocol/chunking.ts'
import { MAX_ANNOUNCED_GROUPS, MAX_BATCH, MAX_MOVING, MAX_PACKED_IDS } from './limits.ts'
import { ID_LENGTH } from './packed-files.ts'

/**
 * The bodies of the tracker's HTTP API: the server validates requests against them and builds its OpenAPI
 * document from them, the client checks answers with them. One place, both sides.
 */
const Time = Type.String({ description: 'ISO 8601, UTC' })
/** Four characters for three bytes; what is left over is padded. */
const BASE64 = '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'
const Hex64 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Name = Type.String({ minLength: 1, maxLength: 64 })
const FileName = Type.String({ minLength: 1, maxLength: 1024 })
const Password = Type.String({ minLength: 1, maxLength: 1024 })
/** Beyond this a number of JSON is not exact. Every integer has both bounds: test/repo/integer-bounds.test.ts. */
const MAX = Number.MAX_SAFE_INTEGER
const Count = Type.Integer({ minimum: 0, maximum: MAX })
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

export const FileBody = Type.Object({
  name: Type.String(),
  fileId: Hex64,
  size: Count,
  version: Type.Integer({ minimum: 1, maximum: MAX }),
  uploader: Type.String(),
  added: Time,
})
/** Newest first; from version 1 on, or as far back as the group's changes are kept. */
export const VersionList = Type.Object({ versions: Type.Array(FileBody), revision: Count })
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
  /** Whether chunk hashes of short files are wanted too. */
  hashes: Type.Optional(Type.Boolean()),
  /** Whether peers without TLS are wanted too: what is sent to those, grants too, anybody on the way can read. */
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

/** What a heartbeat says, in its path: the announce of this sequence still holds. */
export const Heartbeat = Type.Object({ peer: Hex64, sequence: Count })
/** File ids, one behind the other: in that form a thousand are checked and compared as fast as one (isPacked). */
const PackedIds = Type.String({
  maxLength: MAX_PACKED_IDS * ID_LENGTH,
  description: 'file ids in lower-case hex, one behind the other without anything between them',
})
/** Proves that this session's user holds the key of the peer id (protocol/hello.ts). */
export const Hello = Type.Object({
  certificate: Type.String({ pattern: BASE64, maxLength: 4096, description: 'DER, base64' }),
  at: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'milliseconds' }),
  signature: Type.String({ pattern: BASE64, maxLength: 128, description: 'DER, base64' }),
})
/** Without `files` it says what a heartbeat does. */
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
  /** The replica does not know this peer's set at this sequence: announce in full. */
  resync: Type.Boolean(),
  /** Why the peer is handed out to nobody: the tracker called it back, and this came of it. */
  fault: Type.Optional(Type.Union([Type.Literal('unreachable'), Type.Literal('wrong certificate')])),
})

const Rate = Type.Integer({ minimum: 0, maximum: 2 ** 40, description: 'bytes a second' })
const Parts = Type.String({
  pattern: BASE64,
  maxLength: 88,
  description: 'the share, 0 to 255, that is held of each of min(64, chunks) slices of the file, in base64',
})
/** All that a peer moves now: it takes the place of its report before. */
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

const Sum = Type.Integer({ minimum: 0, maximum: MAX, description: 'bytes a second, of all its peers' })
const SwarmSums = { seeds: Count, leechers: Count, down: Sum, up: Sum }
export const MovingSwarms = Type.Object({
  swarms: Type.Array(
    Type.Object({ fileId: Hex64, name: Type.String(), size: Count, chunks: Count, ...SwarmSums }),
  ),
  /** How many there are, listed or not. */
  total: Count,
})
export const SwarmPicture = Type.Object({
  fileId: Hex64,
  size: Count,
  chunks: Count,
  /** How many peers there are, shown or not. */
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
    changes: Type.Integer({ minimum: 0, maximum: MAX, description: 'kept in all groups together' }),
    longest: Type.Integer({ minimum: 0, maximum: MAX, description: 'kept in the group that has most' }),
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
export type VersionList = Static<typeof VersionList>
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
