import { LRUCache } from 'lru-cache'
import { type Database, tolerateOutage } from '../database.ts'
import { fold } from '../keys.ts'
import { applyEvent } from './apply-event.ts'
import type { GroupFeed, GroupWatcher } from './group-feed.ts'
import { type Break, type Position, positionOf, readAfter, type StreamEntry } from './group-stream.ts'
import type { GroupView } from './group-view.ts'
import { loadSnapshot, type Snapshot } from './snapshot.ts'

/** Most records (files and members) in memory: about 200 MB, 300 MB once all files have been listed. */
const MAX_RECORDS = 400_000
/** What a group takes beside its records, in as many of them: its subscription, indexes, and place in the cache. */
const GROUP_RECORDS = 16

/** Hears that Redis no longer has what a view had: a group at revision `seen`, which came back as `now`. */
export type LossListener = (group: string, seen: number, now: number) => void

/** A loaded group. Its repair is the only one that changes it while it runs. */
interface Slot {
  group: string
  view: GroupView | null
  position: Position
  /** The highest revision heard of; above the view's while events are missing. */
  heard: number
  /** The history itself is in question: read it again even where the revision is the same. */
  doubtful: boolean
  repair: Promise<void> | null
  stop: () => void
}

/** The groups in a replica's memory, each kept at Redis's revision by the feed and, after gaps, the stream. */
export class Views {
  readonly #db: Database
  readonly #feed: GroupFeed
  readonly #onLoss: LossListener
  readonly #slots: LRUCache<string, Slot>
  readonly #loading = new Map<string, Promise<Slot | null>>()

  constructor(db: Database, feed: GroupFeed, onLoss: LossListener, maxRecords = MAX_RECORDS) {
    this.#db = db
    this.#feed = feed
    this.#onLoss = onLoss
    this.#slots = new LRUCache<string, Slot>({
      maxSize: maxRecords,
      sizeCalculation: weight,
      dispose: (slot, _, reason) => reason !== 'set' && slot.stop(),
    })
  }

  /**
   * The group at `atLeast` or later, null where it does not exist. While Redis is away it answers what it has,
   * unless that is older than `atLeast`: then it throws STORE_UNAVAILABLE.
   */
  async get(group: string, atLeast: number): Promise<GroupView | null> {
    await this.#feed.checkIfOverdue()
    let slot = this.#slots.get(fold(group)) ?? (await this.#load(group))
    // The load may have been under way when the client saw the group made: only a second one is sure.
    if (slot === null && atLeast > 0) slot = await this.#load(group)
    if (slot === null) return null
    if (isBehind(slot)) await this.#repair(slot).catch(tolerateOutage)
    // Likewise. A revision that Redis itself does not have (lost in a failover) is not waited for.
    for (let i = 0; i < 2 && slot.position.revision < atLeast; i++) await this.#repair(slot)
    return slot.view?.group === group ? slot.view : null
  }

  /** What `get` would answer without waiting; null where it would have to wait, or there is no such group. */
  peek(group: string): GroupView | null {
    const slot = this.#feed.isOverdue ? undefined : this.#slots.get(fold(group))
    if (slot === undefined || isBehind(slot)) return null
    return slot.view?.group === group ? slot.view : null
  }

  /** The group as Redis has it now; while Redis is away, what is here. */
  async getNow(group: string): Promise<GroupView | null> {
    const slot = this.#slots.get(fold(group)) ?? (await this.#load(group))
    if (slot === null) return null
    // A repair that is under way may have read before; only a second one is sure.
    for (let i = 0; i < 2; i++) await this.#repair(slot).catch(tolerateOutage)
    return slot.view?.group === group ? slot.view : null
  }

  get count(): number {
    return this.#slots.size
  }

  /** Revisions by which the loaded views are known to be behind, summed. */
  get lag(): number {
    let lag = 0
    for (const slot of this.#slots.values()) lag += Math.max(0, slot.heard - slot.position.revision)
    return lag
  }

  get current(): boolean {
    return ![...this.#slots.values()].some(isBehind)
  }

  close(): void {
    this.#slots.clear()
  }

  #load(group: string): Promise<Slot | null> {
    const name = fold(group)
    let loading = this.#loading.get(name)
    if (loading === undefined) {
      loading = this.#open(name).finally(() => this.#loading.delete(name))
      this.#loading.set(name, loading)
    }
    return loading
  }

  /** Listens first, then reads: what happens in between is heard. */
  async #open(group: string): Promise<Slot | null> {
    const slot: Slot = {
      group,
      view: null,
      position: { revision: 0, text: null },
      heard: 0,
      doubtful: false,
      repair: null,
      stop: () => {},
    }
    const opening = Promise.withResolvers<void>()
    slot.repair = opening.promise
    try {
      // From here on checks wait for the slot's repair, whatever becomes of it.
      slot.stop = await this.#feed.watch(group, this.#watcher(slot))
      Object.assign(slot, await loadSnapshot(this.#db, group), { repair: null })
    } catch (error) {
      slot.stop()
      throw error
    } finally {
      opening.resolve()
    }
    if (slot.view === null) {
      slot.stop()
      return null
    }
    this.#slots.set(group, slot)
    // Too large to be kept: it answers this once.
    if (!this.#slots.has(group)) slot.stop()
    if (isBehind(slot)) await this.#repair(slot)
    return slot
  }

  #watcher(slot: Slot): GroupWatcher {
    return {
      event: (entry) => {
        const { revision } = entry.event
        if (slot.repair === null && revision === slot.position.revision + 1) this.#advance(slot, entry)
        else if (revision > slot.position.revision) this.#suspect(slot, revision, slot.doubtful)
      },
      revision: (revision) => {
        // Lower: Redis lost what this view has seen, unless an event has overtaken the answer. Behind: a repair
        // failed while Redis was away.
        if (revision !== slot.position.revision || isBehind(slot))
          this.#suspect(slot, revision, revision < slot.position.revision)
        return slot.repair ?? undefined
      },
      doubt: () => this.#suspect(slot, slot.heard, true),
    }
  }

  #suspect(slot: Slot, revision: number, doubtful: boolean): void {
    slot.heard = Math.max(slot.heard, revision)
    slot.doubtful ||= doubtful
    if (slot.repair === null) this.#repair(slot).catch(tolerateOutage)
  }

  #repair(slot: Slot): Promise<void> {
    slot.repair ??= this.#catchUp(slot).finally(() => {
      slot.repair = null
    })
    return slot.repair
  }

  async #catchUp(slot: Slot): Promise<void> {
    do {
      const { revision } = slot.position
      slot.doubtful = false
      try {
        const entries = await readAfter(this.#db, slot.group, slot.position)
        if (typeof entries !== 'string') for (const entry of entries) this.#advance(slot, entry)
        else this.#replace(slot, await loadSnapshot(this.#db, slot.group), entries)
      } catch (error) {
        slot.doubtful = true
        throw error
      }
      // Heard of, but no longer there: Redis lost it.
      if (slot.position.revision === revision) slot.heard = revision
    } while (isBehind(slot))
    this.#settle(slot)
  }

  #replace(slot: Slot, { view, position }: Snapshot, why: Break): void {
    if (why === 'replaced') this.#onLoss(slot.group, slot.position.revision, position.revision)
    slot.view = view
    slot.position = position
    slot.heard = position.revision
  }

  #advance(slot: Slot, entry: StreamEntry): void {
    slot.view = applyEvent(slot.view, entry.event)
    slot.position = positionOf(entry)
    slot.heard = Math.max(slot.heard, slot.position.revision)
    if (slot.repair === null) this.#settle(slot)
  }

  /** Forgets a group that is gone, and tells the cache the size of one that has grown much. */
  #settle(slot: Slot): void {
    if (this.#slots.peek(slot.group) !== slot) return
    if (slot.view === null) this.#slots.delete(slot.group)
    else if (slot.position.revision % 1000 === 0) this.#slots.set(slot.group, slot)
  }
}

const isBehind = (slot: Slot): boolean => slot.doubtful || slot.heard > slot.position.revision

function weight({ view }: Slot): number {
  return GROUP_RECORDS + (view === null ? 0 : view.files.size + view.members.size + view.requests.size)
}
