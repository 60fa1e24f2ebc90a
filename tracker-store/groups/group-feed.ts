import { setTimeout as delay } from 'node:timers/promises'
import type { Background } from '../../packed/background.ts'
import type { GroupEvent } from '../../protocol/records.ts'
import { type Database, isUnavailable } from '../database.ts'
import { fold, groupKeys } from '../keys.ts'
import type { PubSub } from '../pubsub.ts'
import {
  type Break,
  type Position,
  parseEntry,
  readAfter,
  readRevisions,
  type StreamEntry,
} from './group-stream.ts'

/** Receives a group's changes as they happen. It reads missed ones from the stream. */
export interface GroupWatcher {
  /** A published event. It may be old, and earlier ones may be missing. */
  event(entry: StreamEntry): void
  /** The group's revision in Redis, reported twice a second. Resolves once the watcher has reached it. */
  revision(revision: number): Promise<void> | void
  /** Messages may be lost, or a failover may have replaced the history. */
  doubt(): void
}

/** The one subscription to a group: each message is parsed once, for all that watch the group. */
interface Topic {
  watchers: Set<GroupWatcher>
  handler: (message: Buffer) => void
  /** Settles when events arrive, or cannot. */
  subscribed: Promise<void>
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
  readonly #topics = new Map<string, Topic>()
  readonly #reads = new Map<string, { text: string | null; entries: Promise<StreamEntry[] | Break> }>()
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
    const topic = this.#topics.get(name) ?? this.#subscribe(name)
    topic.watchers.add(watcher)
    const stop = (): void => {
      topic.watchers.delete(watcher)
      if (topic.watchers.size > 0 || this.#topics.get(name) !== topic) return
      this.#topics.delete(name)
      this.#pubsub.unsubscribe(groupKeys(name).channel, topic.handler)
    }
    try {
      await topic.subscribed
    } catch (error) {
      stop()
      throw error
    }
    return stop
  }

  /**
   * The events after `position`, or why there are none (`readAfter`). All watchers of a group fall behind together, so
   * those that read from one position in the same callback share one read.
   */
  read(group: string, position: Position): Promise<StreamEntry[] | Break> {
    const name = fold(group)
    const key = `${name}@${position.revision}`
    const shared = this.#reads.get(key)
    if (shared?.text === position.text) return shared.entries
    const entries = readAfter(this.#db, name, position)
    this.#reads.set(key, { text: position.text, entries })
    // Ticks run before the next I/O event, so no caller can know of a change that the shared read may miss.
    process.nextTick(() => this.#reads.delete(key))
    return entries
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
    const groups = [...this.#topics.keys()]
    const [revisions] = await Promise.all([
      readRevisions(this.#db, groups),
      this.#db.ask((redis) => redis.ping()),
      this.#pubsub.check(),
    ])
    await Promise.all(
      groups.flatMap((group, i) =>
        [...(this.#topics.get(group)?.watchers ?? [])].map((watcher) => watcher.revision(revisions[i]!)),
      ),
    )
    return true
  }

  #subscribe(name: string): Topic {
    const watchers = new Set<GroupWatcher>()
    const handler = (message: Buffer): void => {
      const entry = parseEntry(message.toString())
      for (const watcher of watchers) watcher.event(entry)
      for (const listener of this.#listeners) listener(entry.event)
    }
    const subscribed = this.#pubsub.subscribe(groupKeys(name).channel, handler)
    const topic = { watchers, handler, subscribed }
    this.#topics.set(name, topic)
    return topic
  }

  #doubt(): void {
    for (const { watchers } of this.#topics.values()) for (const watcher of watchers) watcher.doubt()
  }
}

/** Throws `error` once the deadline has passed. */
function giveUp(error: unknown, deadline: number): false {
  if (performance.now() >= deadline) throw error
  return false
}
