/** Most files in one publish, one swarm join; most users in one decision. */
export const MAX_BATCH = 100
/** File ids in one packed list of an announce. */
export const MAX_PACKED_IDS = 100_000
/** Chunk hashes in one page: 1 MiB of hashes, 16 GiB of file. */
export const MAX_HASH_PAGE = 32_768
/** Files up to this many chunks carry their hashes inside JSON (base64), longer ones in pages. */
export const MAX_INLINE_HASHES = 64
/** Files in one report of what a peer moves: the busiest. */
export const MAX_MOVING = 64
