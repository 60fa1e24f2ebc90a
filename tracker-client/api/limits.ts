/** The maximum of files in one publish or swarm join, and of users in one decision. */
export const MAX_BATCH = 100
/** File ids in one packed list of an announce. */
export const MAX_PACKED_IDS = 100_000
/** Groups in one announce. Membership of each group that is not in memory costs a question to Redis. */
export const MAX_ANNOUNCED_GROUPS = 1024
/** Chunk hashes in one page: 1 MiB of hashes, 16 GiB of file. */
export const MAX_HASH_PAGE = 32_768
/** Files of up to this many chunks carry their hashes inside JSON (base64). Longer ones send them in pages. */
export const MAX_INLINE_HASHES = 64
/** Files in one progress report: the busiest. */
export const MAX_MOVING = 64

/**
 * Limits of request bodies, in bytes. A route that needs more than the first two sets one of the others (`bodyLimit`);
 * tracker/http/body.ts enforces them.
 */
export const BODY = {
  /** Without a session: a name and a password. Also for unknown routes and plugins' routes. */
  public: 4 * 1024,
  /** With a session. 100 user names, or 64 files in a progress report, take a third of it. */
  session: 64 * 1024,
  /** 100 files, each with a name of 1,024 bytes, all of them escaped, and 64 hashes in base64: 490 kB. */
  publish: 512 * 1024,
  /** 32,768 hashes of 32 bytes. */
  hashPage: MAX_HASH_PAGE * 32,
  /** 131,000 file ids in hex. */
  announce: 8 * 1024 * 1024,
} as const

/** How deep JSON in a body may nest. The tracker's own bodies nest at most 3 levels. */
export const MAX_DEPTH = 16
/** Values in one body, including arrays and objects. A publish of 100 files has 500. */
export const MAX_VALUES = 2000
/** Each announced group has four values. */
export const MAX_ANNOUNCED_VALUES = 4 * MAX_ANNOUNCED_GROUPS + 100
