import { LRUCache } from 'lru-cache'
import { type Database, tolerateOutage } from '../database.ts'
import { fold } from '../keys.ts'
import { applyEvent } from './apply-event.ts'
import type { GroupFeed, GroupWatcher } from './group-feed.ts'
import { type Break, type Position, positionOf, type StreamEntry } from './group-stream.ts'
import type { GroupView } from './group-view.ts'
import { loadSnapshot, type Snapshot } from './snapshot.ts'

/** The maximum of records (files and members) in memory: about 200 MB, or 300 MB once all files have been listed. */
const MAX_RECORDS = 400_000
/** The overhead of a group (subscription, indexes, cache entry), counted in records. */
const GROUP_RECORDS = 16

/** Called when Redis has lost changes: a view was at revision `seen`, and Redis is back at `now`. */
export type LossListener = (group: string, seen: number, now: number) => void

/** A loaded group. Only its repair changes it while one runs. */
interface Slot {
  group: string
  view: GroupView | null
  position: Position
  /** The highest revision received; above the view's while events are missing. */
  heard: number
  /** The history itself is in doubt: read it again even if the revision is the same. */
  doubtful: boolean
  repair: Promise<void> | null
  stop: () => void
}

/** The groups in a replica's memory. The feed keeps each at Redis's revision; after gaps, the stream does. */
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
   * The group at `atLeast` or later, or null if it does not exist. During a Redis outage it returns the view in memory;
   * if that is older than `atLeast` it throws STORE_UNAVAILABLE.
   */
  async get(group: string, atLeast: number): Promise<GroupView | null> {
    await this.#feed.checkIfOverdue()
    let slot = this.#slots.get(fold(group)) ?? (await this.#load(group))
    // A load that began before the group was created proves nothing. Load again.
    if (slot === null && atLeast > 0) slot = await this.#load(group)
    if (slot === null) return null
    if (isBehind(slot)) await this.#repair(slot).catch(tolerateOutage)
    // The same for repairs. Do not wait for a revision that Redis itself lacks (lost in a failover).
    for (let i = 0; i < 2 && slot.position.revision < atLeast; i++) await this.#repair(slot)
    return slot.view?.group === group ? slot.view : null
  }

  /** The view if it is in memory and current. Null if `get` would wait, or if the group does not exist. */
  peek(group: string): GroupView | null {
    const slot = this.#feed.isOverdue ? undefined : this.#slots.get(fold(group))
    if (slot === undefined || isBehind(slot)) return null
    return slot.view?.group === group ? slot.view : null
  }

  /** The group as Redis has it now. During an outage, the view in memory. */
  async getNow(group: string): Promise<GroupView | null> {
    const slot = this.#slots.get(fold(group)) ?? (await this.#load(group))
    if (slot === null) return null
    // A repair that is already running may have read too early. Run a second.
    for (let i = 0; i < 2; i++) await this.#repair(slot).catch(tolerateOutage)
    return slot.view?.group === group ? slot.view : null
  }

  get count(): number {
    return this.#slots.size
  }

  /** How many revisions the loaded views are known to lag, summed. */
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

  /** Subscribes before it reads, so that no event in between is missed. */
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
      // From here on, checks wait for this slot's repair, even if it fails.
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
    // Too large to cache: it serves this request only.
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
        // Lower: Redis lost changes, unless an event arrived before this answer. Behind: a repair failed during an
        // outage.
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
        const entries = await this.#feed.read(slot.group, slot.position)
        if (typeof entries !== 'string') for (const entry of entries) this.#advance(slot, entry)
        else this.#replace(slot, await loadSnapshot(this.#db, slot.group), entries)
      } catch (error) {
        slot.doubtful = true
        throw error
      }
      // Redis lost the events that were received beyond this revision.
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

  /** Drops a removed group, and updates the cache's size of one that has grown much. */
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
