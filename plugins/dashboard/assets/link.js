/**
 * Whether the tracker answers, and of when the newest answer is. Views ask it; the client tells it. Tells
 * `listener` of each change that a reader would see.
 */
export class Link {
  constructor() {
    this.isLost = false
    /** Milliseconds since the epoch. What is shown is at least as new as this. */
    this.asOf = Date.now()
    /** Whether the tracker itself says that its answers are old: it does not reach its store. */
    this.isStale = false
    /** @type {() => void} */
    this.listener = () => {}
  }

  /** @param {number} ageSeconds of what was answered (the header Age) */
  heard(ageSeconds) {
    const changed = this.isLost || this.isStale !== ageSeconds > 0
    this.isLost = false
    this.isStale = ageSeconds > 0
    this.asOf = Date.now() - ageSeconds * 1000
    if (changed) this.listener()
  }

  lost() {
    const changed = !this.isLost
    this.isLost = true
    if (changed) this.listener()
  }
}
