import type { Background } from '../../packed/background.ts'
import { type Database, isUnavailable } from '../database.ts'
import { PRESENCE_CHANNEL, presenceBucketKey, presenceKey, presencePrefix } from '../keys.ts'
import type { PubSub } from '../pubsub.ts'
import type { PeerPresence, PresenceChange, PresenceStore } from '../store.ts'
import { turn } from '../turns.ts'
import { BatchCodec } from './batch-codec.ts'
import { lengthOf, PresenceBatch } from './presence-batch.ts'
import { type EncodedChange, encode } from './presence-codec.ts'
import { textBytes } from './text-bytes.ts'

/** Tolerates three lost announces. */
const EXPIRY_MS = 30_000
const BUCKET_MS = 5000
const BATCH_MS = 100
/** A batch this large is sent early. It takes the event loop about two milliseconds. */
const FULL_BATCH = 400
/** The maximum of file id characters in one batch, unless a single announce is longer. */
const FULL_LENGTH = 1024 * 1024
/** Pause after a failed batch. */
const RETRY_MS = 1000
/** Peers read or written together. */
const PAGE = 200

const asHeartbeat = (change: EncodedChange): EncodedChange => {
  if (change.type !== 'announce') return change
  const { peer, sequence, seen } = change
  return { ...change, text: JSON.stringify({ type: 'heartbeat', peer, sequence, seen }) }
}

const bucketOf = (time: number): number => Math.floor(time / BUCKET_MS)

export class RedisPresence implements PresenceStore {
  readonly expiryMs = EXPIRY_MS
  readonly #db: Database
  readonly #pubsub: PubSub
  readonly #codec: BatchCodec<PresenceChange>
  readonly #waiting = new PresenceBatch()
  readonly #listeners = new Set<(change: PresenceChange | null) => void>()
  readonly #onMessage = (message: Buffer): void => {
    for (const change of this.#codec.decode(message)) this.#notify(change)
  }
  /** Gathering: until the timer fires or the batch is full. Resting: a batch failed; the timer retries it. */
  #phase: 'idle' | 'gathering' | 'sending' | 'resting' = 'idle'
  #timer: NodeJS.Timeout | undefined
  #closed = false
  readonly #failed: (error: unknown) => void

  constructor(db: Database, pubsub: PubSub, replica: string, background: Background) {
    this.#db = db
    this.#pubsub = pubsub
    this.#codec = new BatchCodec(replica)
    this.#failed = background.owner(
      'sharing presence',
      'other replicas do not find its peers until they announce again',
    )
    pubsub.onRestored(() => this.#notify(null))
  }

  async listen(): Promise<void> {
    await this.#pubsub.subscribe(PRESENCE_CHANNEL, this.#onMessage)
  }

  push(change: PresenceChange): void {
    this.#waiting.add(change)
    if (this.#phase === 'idle') this.#wait('gathering', BATCH_MS)
    else if (this.#phase === 'gathering' && this.#waiting.size >= FULL_BATCH) this.#send().catch(this.#failed)
  }

  subscribe(listener: (change: PresenceChange | null) => void): void {
    this.#listeners.add(listener)
  }

  async read(peers: readonly string[]): Promise<PeerPresence[]> {
    const found: (PeerPresence | null)[] = []
    for (let i = 0; i < peers.length; i += PAGE)
      found.push(...(await Promise.all(peers.slice(i, i + PAGE).map((peer) => this.#read(peer)))))
    return found.filter((presence) => presence !== null)
  }

  /** Newest first. Reads all unexpired buckets and one more on each side, because clocks of hosts differ. */
  async *load(): AsyncGenerator<PeerPresence> {
    const now = Date.now()
    const known = new Set<string>()
    for (let bucket = bucketOf(now) + 1; bucket >= bucketOf(now - EXPIRY_MS) - 1; bucket--) {
      const peers = await this.#db.ask((redis) => redis.smembers(presenceBucketKey(bucket)))
      const fresh = peers.filter((peer) => !known.has(peer))
      for (const peer of fresh) known.add(peer)
      for (let i = 0; i < fresh.length; i += PAGE) yield* await this.read(fresh.slice(i, i + PAGE))
    }
  }

  /** Sends the waiting changes one last time. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    while (this.#waiting.size > 0 && (await this.#flush(Number.POSITIVE_INFINITY)));
  }

  async #read(peer: string): Promise<PeerPresence | null> {
    const [presence, seen] = await this.#db.ask((redis) => redis.hmget(presenceKey(peer), 'presence', 'seen'))
    return presence && seen ? { ...(JSON.parse(presence) as PeerPresence), seen: Number(seen) } : null
  }

  #notify(change: PresenceChange | null): void {
    for (const listener of this.#listeners) listener(change)
  }

  #wait(phase: 'gathering' | 'resting', delayMs: number): void {
    if (this.#closed) return
    this.#phase = phase
    this.#timer = setTimeout(() => this.#send().catch(this.#failed), delayMs).unref()
  }

  /** Sends one batch after another while full ones wait. */
  async #send(): Promise<void> {
    clearTimeout(this.#timer)
    this.#phase = 'sending'
    let sent = true
    do sent = await this.#flush(FULL_BATCH)
    while (sent && !this.#closed && this.#waiting.size >= FULL_BATCH)
    if (!sent) this.#wait('resting', RETRY_MS)
    else if (this.#waiting.size > 0) this.#wait('gathering', BATCH_MS)
    else this.#phase = 'idle'
  }

  /** Sends a batch. Returns false, and keeps it, if Redis is away. A batch that Redis rejects is dropped: peers announce again. */
  async #flush(most: number): Promise<boolean> {
    const changes = this.#waiting.take(most, FULL_LENGTH)
    if (changes.length === 0) return true
    const isLong = changes.reduce((sum, change) => sum + lengthOf(change), 0) > FULL_LENGTH
    try {
      if (isLong) await turn()
      const encoded = changes.map(encode)
      if (isLong) {
        await turn()
        await this.#write(encoded)
        // Replicas read long announces from Redis: sending several at once would overflow Redis's output buffer
        // for a subscriber.
        await this.#publish(encoded.map(asHeartbeat))
        return true
      }
      // Run both in parallel so that batches die young (less GC).
      await Promise.all([this.#publish(encoded), this.#write(encoded)])
      return true
    } catch (error) {
      if (isUnavailable(error)) {
        this.#waiting.restore(changes)
        return false
      }
      this.#failed(error)
      return true
    }
  }

  async #publish(changes: readonly EncodedChange[]): Promise<void> {
    const messages = this.#codec.encode(changes.map(({ text }) => text))
    await Promise.all(messages.map((m) => this.#db.ask((redis) => redis.publish(PRESENCE_CHANNEL, m))))
  }

  async #write(changes: readonly EncodedChange[]): Promise<void> {
    const buckets = Map.groupBy(changes, ({ seen }) => bucketOf(seen))
    const writing = [...buckets].map(([bucket, heard]) => this.#index(bucket, heard))
    const prefixes = Map.groupBy(changes, ({ peer }) => presencePrefix(peer))
    for (const [prefix, heard] of prefixes)
      for (let i = 0; i < heard.length; i += PAGE) writing.push(this.#set(prefix, heard.slice(i, i + PAGE)))
    await Promise.all(writing)
  }

  async #index(bucket: number, changes: readonly EncodedChange[]): Promise<void> {
    const key = presenceBucketKey(bucket)
    const peers = changes.map(({ peer }) => peer)
    await Promise.all([
      this.#db.ask((redis) => redis.sadd(key, peers)),
      this.#db.ask((redis) => redis.expire(key, Math.ceil((EXPIRY_MS + 3 * BUCKET_MS) / 1000))),
    ])
  }

  /** Writes changes of peers that share a key prefix. Queues an announce for each peer whose set Redis has lost. */
  async #set(prefix: string, changes: readonly EncodedChange[]): Promise<void> {
    const lines: Record<EncodedChange['type'], string[]> = { heartbeat: [], announce: [], gone: [] }
    for (const { type, peer, sequence, seen, presence } of changes)
      lines[type].push(`${peer} ${sequence} ${seen} `, presence, '\n')
    const { heartbeat, announce, gone } = lines
    const args = [Date.now() - EXPIRY_MS, ...[heartbeat, announce, gone].map(textBytes)]
    const answer = await this.#db.run('setPresence', [prefix], args, prefix)
    const lost = new Set(JSON.parse(answer) as string[])
    if (lost.size === 0) return
    for (const { peer, sequence, seen, announced } of changes)
      if (lost.has(peer) && announced?.sequence === sequence)
        this.#waiting.add({ type: 'announce', presence: { ...announced, seen } })
  }
}
