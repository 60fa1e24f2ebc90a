/** A client's memory of its trackers between runs, as plain JSON. */
export interface FailoverState {
  /** The tracker that answered last. */
  last: string | null
  /** When each tracker last failed to answer, in milliseconds since the epoch. */
  failed: Record<string, number>
  /** The highest revision seen of each group. */
  revisions: Record<string, number>
}

/** Where the state is kept: a file in the home, or nowhere. `save` is called on every change. */
export interface FailoverMemory {
  load(): FailoverState
  save(state: FailoverState): void
}

/** A tracker that failed is asked last for this long. */
const SHUNNED_MS = 30_000

/** The last good tracker first, then the others as configured, with those that failed recently at the end. */
export function failoverOrder(
  trackers: readonly string[],
  last: string | null,
  failed: ReadonlyMap<string, number>,
  now: number,
): string[] {
  const rank = (tracker: string): number => {
    if (tracker === last) return 0
    const at = failed.get(tracker)
    return at === undefined || now - at > SHUNNED_MS ? 1 : 2
  }
  return [...trackers].sort((a, b) => rank(a) - rank(b))
}

/** The state in memory. It uses maps because users choose the names of groups. */
export class FailoverHistory {
  readonly #memory: FailoverMemory | undefined
  readonly #failed: Map<string, number>
  readonly #revisions: Map<string, number>
  #last: string | null

  constructor(memory?: FailoverMemory) {
    const state = memory?.load()
    this.#memory = memory
    this.#last = state?.last ?? null
    this.#failed = new Map(Object.entries(state?.failed ?? {}))
    this.#revisions = new Map(Object.entries(state?.revisions ?? {}))
  }

  order(trackers: readonly string[], now: number): string[] {
    return failoverOrder(trackers, this.#last, this.#failed, now)
  }

  answered(tracker: string): void {
    if (this.#last === tracker && !this.#failed.has(tracker)) return
    this.#last = tracker
    this.#failed.delete(tracker)
    this.#save()
  }

  failed(tracker: string, now: number): void {
    this.#failed.set(tracker, now)
    if (this.#last === tracker) this.#last = null
    this.#save()
  }

  revision(group: string): number | undefined {
    return this.#revisions.get(group)
  }

  saw(group: string, revision: number): void {
    if (revision <= (this.#revisions.get(group) ?? 0)) return
    this.#revisions.set(group, revision)
    this.#save()
  }

  #save(): void {
    this.#memory?.save({
      last: this.#last,
      failed: Object.fromEntries(this.#failed),
      revisions: Object.fromEntries(this.#revisions),
    })
  }
}
