import { setTimeout as delay } from 'node:timers/promises'
import type { Background } from '../../packed/background.ts'
import type { GroupEvent } from '../../protocol/records.ts'
import { type Database, isUnavailable } from '../database.ts'
import { fold, groupKeys } from '../keys.ts'
import type { PubSub } from '../pubsub.ts'
import { parseEntry, readRevisions, type StreamEntry } from './group-stream.ts'

/** Hears of a group's changes as they happen; what it misses it reads from the stream. */
export interface GroupWatcher {
  /** An event as it was published: maybe old, maybe with some missing before it. */
  event(entry: StreamEntry): void
  /** The revision that the group has in Redis, told twice a second. Resolves once the watcher is there. */
  revision(revision: number): Promise<void> | void
  /** Messages may have been lost, or Redis replaced by one with another history. */
  doubt(): void
}

/** Bounds how long a lost message goes unnoticed. */
const CHECK_MS = 500
/** Age of the last check from which reads check first: this process was stopped or starved. */
const UNCHECKED_MS = 1500
/** How long a check after a stop goes on trying: connections may have been given up meanwhile. */
const RESUME_MS = 800
const RETRY_MS = 20

/** Pub/sub of the watched groups, and the check that makes up for its losses. */
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
    const failed = background.owner('comparing views with Redis', 'answers may be out of date', isUnavailable)
    this.#timer = setInterval(() => this.check().catch(failed), CHECK_MS).unref()
  }

  /** Starts telling `watcher` of the group; resolves, with the function that ends it, once events arrive. */
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

  /** Milliseconds since the watchers were last known to be where Redis is. */
  get age(): number {
    return performance.now() - this.#succeeded
  }

  /** Compares all watchers with Redis and waits until they are there. Throws STORE_UNAVAILABLE. */
  check(): Promise<void> {
    this.#checking ??= this.#checkNow().finally(() => {
      this.#checking = null
    })
    return this.#checking
  }

  /** Checks when that is overdue, so that a process that was stopped for a while serves nothing stale. */
  async checkIfOverdue(): Promise<void> {
    // Twice, because the first may be one that was under way when the process was stopped.
    for (let i = 0; i < 2 && this.isOverdue; i++) await this.check().catch(() => {})
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** Whether what the watchers have must be checked before it is believed. */
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

/** Throws `error` once it is too late to try again. */
function giveUp(error: unknown, deadline: number): false {
  if (performance.now() >= deadline) throw error
  return false
}
