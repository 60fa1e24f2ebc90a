export interface Chosen<R> {
  revision: R
  /** The packaging just downloaded, or null if an earlier build is cached. */
  packaging: string | null
}

/**
 * Picks the first of `revisions` (newest first) that is cached or can be downloaded; null if none is. It
 * tries newer revisions before an older one, even a cached one, and calls `passedOver` for each that it
 * skips.
 */
export function chooseRevision<R>(
  revisions: readonly R[],
  isKept: (revision: R) => boolean,
  fetch: (revision: R) => string | null,
  passedOver: (revision: R) => void,
): Chosen<R> | null {
  for (const revision of revisions) {
    if (isKept(revision)) return { revision, packaging: null }
    const packaging = fetch(revision)
    if (packaging !== null) return { revision, packaging }
    passedOver(revision)
  }
  return null
}
