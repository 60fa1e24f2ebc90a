export interface Chosen<R> {
  revision: R
  /** Its packaging, fetched just now; null where an earlier build of it is kept. */
  packaging: string | null
}

/**
 * The first of `revisions`, newest first, that is kept from an earlier build or can be fetched; null where none
 * is. An older one is taken only once the newer ones were asked for, also when it is kept: `passedOver` hears
 * of each of those.
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
