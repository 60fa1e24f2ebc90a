/**
 * Whether the tracker answers, and the time of its newest answer. The client updates it, views read it, and
 * `listener` hears of each visible change.
 */
export class Link {
  constructor() {
    this.isLost = false
    /** Milliseconds since the epoch. The data on screen is at least as new as this. */
    this.asOf = Date.now()
    /** Whether the tracker says that its answers are old because it cannot reach its store. */
    this.isStale = false
    /** @type {() => void} */
    this.listener = () => {}
  }

  /** @param {number} ageSeconds the answer's age (the header Age) */
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
