/** Most files in one publish, one swarm join; most users in one decision. */
export const MAX_BATCH = 100
/** File ids in one packed list of an announce. */
export const MAX_PACKED_IDS = 100_000
/** Groups in one announce: whether the user is in each is asked of Redis where it is not in memory. */
export const MAX_ANNOUNCED_GROUPS = 1024
/** Chunk hashes in one page: 1 MiB of hashes, 16 GiB of file. */
export const MAX_HASH_PAGE = 32_768
/** Files up to this many chunks carry their hashes inside JSON (base64), longer ones in pages. */
export const MAX_INLINE_HASHES = 64
/** Files in one report of what a peer moves: the busiest. */
export const MAX_MOVING = 64

/**
 * Bytes that the body of a request may have. A route that needs more than the first two names one of the others
 * (`bodyLimit`); server.ts sees to the rest.
 */
export const BODY = {
  /** Without a session: a name and a password. Also what has no route, and plugins' routes. */
  public: 4 * 1024,
  /** With a session: 100 names of users, or 64 files that move, take a third of it. */
  session: 64 * 1024,
  /** 100 files, each with a name of 1,024 bytes, all of them escaped, and 64 hashes in base64: 490 kB. */
  publish: 512 * 1024,
  /** 32,768 hashes of 32 bytes. */
  hashPage: MAX_HASH_PAGE * 32,
  /** 131,000 file ids in hex. */
  announce: 8 * 1024 * 1024,
} as const

/** How deep JSON in a body may nest. None of the tracker's own goes beyond 3. */
export const MAX_DEPTH = 16
/** Arrays, objects and what stands in them, in one body: a publish of 100 files has 500. */
export const MAX_VALUES = 2000
/** An announced group has four of them. */
export const MAX_ANNOUNCED_VALUES = 4 * MAX_ANNOUNCED_GROUPS + 100
