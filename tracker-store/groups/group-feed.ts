import { setTimeout as delay } from 'node:timers/promises'
import type { Background } from '../../packed/background.ts'
import type { GroupEvent } from '../../protocol/records.ts'
import { type Database, isUnavailable } from '../database.ts'
import { fold, groupKeys } from '../keys.ts'
import type { PubSub } from '../pubsub.ts'
import { parseEntry, readRevisions, type StreamEntry } from './group-stream.ts'

/** Receives a group's changes as they happen. It reads missed ones from the stream. */
export interface GroupWatcher {
  /** A published event. It may be old, and earlier ones may be missing. */
  event(entry: StreamEntry): void
  /** The group's revision in Redis, reported twice a second. Resolves once the watcher has reached it. */
  revision(revision: number): Promise<void> | void
  /** Messages may be lost, or a failover may have replaced the history. */
  doubt(): void
}

/** The longest that a lost message goes unnoticed. */
const CHECK_MS = 500
/** If the last check is older than this, the process was stopped or starved: check before reading. */
const UNCHECKED_MS = 1500
/** How long a check retries after a stop: connections may have closed meanwhile. */
const RESUME_MS = 800
const RETRY_MS = 20

/** Delivers events of the watched groups, and checks regularly for lost ones. */
export class GroupFeed {
  readonly #db: Database
  readonly #pubsub: PubSub
  readonly #watchers = new Map<string, Set<GroupWatcher>>()
  readonly #listeners = new Set<(event: GroupEvent) => void>()
  readonly #timer: NodeJS.Timeout
  #checking: Promise<void> | null = null
  #tried = performance.now()
  #succeeded = performance.now()

  constructor(db: Database, pubsub: PubSub, background: Background) {
    this.#db = db
    this.#pubsub = pubsub
    pubsub.onRestored(() => this.#doubt())
    const failed = background.owner('comparing views with Redis', 'answers may be outdated', isUnavailable)
    this.#timer = setInterval(() => this.check().catch(failed), CHECK_MS).unref()
  }

  /** Starts passing the group's events to `watcher`. Resolves to the function that stops it, once events arrive. */
  async watch(group: string, watcher: GroupWatcher): Promise<() => void> {
    const name = fold(group)
    const { channel } = groupKeys(name)
    const handler = (message: Buffer): void => {
      const entry = parseEntry(message.toString())
      watcher.event(entry)
      for (const listener of this.#listeners) listener(entry.event)
    }
    const watchers = this.#watchers.get(name) ?? new Set()
    this.#watchers.set(name, watchers.add(watcher))
    const stop = (): void => {
      watchers.delete(watcher)
      if (watchers.size === 0 && this.#watchers.get(name) === watchers) this.#watchers.delete(name)
      this.#pubsub.unsubscribe(channel, handler)
    }
    try {
      await this.#pubsub.subscribe(channel, handler)
    } catch (error) {
      stop()
      throw error
    }
    return stop
  }

  onEvent(listener: (event: GroupEvent) => void): void {
    this.#listeners.add(listener)
  }

  /** Milliseconds since all watchers were last known to be current. */
  get age(): number {
    return performance.now() - this.#succeeded
  }

  /** Compares all watchers with Redis and waits until they have caught up. Throws STORE_UNAVAILABLE. */
  check(): Promise<void> {
    this.#checking ??= this.#checkNow().finally(() => {
      this.#checking = null
    })
    return this.#checking
  }

  /** Checks if a check is overdue, so that a process that was stopped for a while serves nothing stale. */
  async checkIfOverdue(): Promise<void> {
    // Twice: the first may have been running when the process stopped.
    for (let i = 0; i < 2 && this.isOverdue; i++) await this.check().catch(() => {})
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** Whether the watchers must be checked before they are trusted. */
  get isOverdue(): boolean {
    return performance.now() - this.#tried > UNCHECKED_MS
  }

  async #checkNow(): Promise<void> {
    const begun = performance.now()
    const patience = this.isOverdue ? RESUME_MS : 0
    let started = begun
    try {
      while (!(await this.#compare().catch((error) => giveUp(error, begun + patience)))) {
        await delay(RETRY_MS)
        started = performance.now()
      }
      this.#succeeded = started
    } finally {
      this.#tried = started
    }
  }

  async #compare(): Promise<true> {
    const groups = [...this.#watchers.keys()]
    const [revisions] = await Promise.all([
      readRevisions(this.#db, groups),
      this.#db.ask((redis) => redis.ping()),
      this.#pubsub.check(),
    ])
    await Promise.all(
      groups.flatMap((group, i) =>
        [...(this.#watchers.get(group) ?? [])].map((watcher) => watcher.revision(revisions[i]!)),
      ),
    )
    return true
  }

  #doubt(): void {
    for (const watchers of this.#watchers.values()) for (const watcher of watchers) watcher.doubt()
  }
}

/** Throws `error` once the deadline has passed. */
function giveUp(error: unknown, deadline: number): false {
  if (performance.now() >= deadline) throw error
  return false
}
