import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TestRedis } from '../../testkit/redis-server.ts'
import { type RunningTracker, startTracker } from '../../tracker/start.ts'
import { TrackerClient } from '../../tracker-client/client.ts'

export const PASSWORD = 'correct horse battery'

/** Real tracker replicas on a real Redis, and clients for their users. */
export class TestFleet {
  readonly redis: TestRedis
  readonly trackers: RunningTracker[] = []
  readonly #folder: string

  private constructor(redis: TestRedis, folder: string) {
    this.redis = redis
    this.#folder = folder
  }

  static async start(replicas = 1): Promise<TestFleet> {
    const fleet = new TestFleet(await TestRedis.start(), await mkdtemp(join(tmpdir(), 'shoal-fleet-')))
    for (let i = 0; i < replicas; i++) await fleet.add()
    return fleet
  }

  /** Adds a replica; `redis` may be another URL of the same Redis. */
  async add(redis = this.redis.url): Promise<RunningTracker> {
    const listen = { host: '127.0.0.1', port: 0 }
    const tracker = await startTracker({
      listen,
      redis,
      dataFolder: this.#folder,
      log: 'silent',
    })
    this.trackers.push(tracker)
    return tracker
  }

  get url(): string {
    return this.trackers[0]?.url ?? ''
  }

  /** A client without a session for all replicas or for one. It fails at once if their Redis is away. */
  anonymous(replica?: number): TrackerClient {
    const all = this.trackers.map((tracker) => tracker.url)
    const trackers = replica === undefined ? all : all.slice(replica, replica + 1)
    return new TrackerClient({ trackers, patienceMs: 0 })
  }

  /** Registers a new user, logs in, and returns a client of the first replica. */
  async user(name: string): Promise<TrackerClient> {
    const client = this.anonymous(0)
    await client.register(name, PASSWORD)
    await client.login(name, PASSWORD)
    return client
  }

  /** Sends a raw request that our own client would never send. */
  async send(
    method: string,
    path: string,
    options: { token?: string | null; key?: string; body?: unknown } = {},
  ) {
    const headers: Record<string, string> = {}
    if (options.token) headers.authorization = `Bearer ${options.token}`
    if (options.key) headers['idempotency-key'] = options.key
    if (options.body !== undefined) headers['content-type'] = 'application/json'
    const body = typeof options.body === 'string' ? options.body : JSON.stringify(options.body)
    const response = await fetch(this.url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? null : JSON.parse(text) }
  }

  async stop(): Promise<void> {
    for (const tracker of this.trackers) await tracker.stop()
    await this.redis.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** A group with an owner, an admin and a member, and a user outside it. */
export async function groupOfFour(fleet: TestFleet, group: string) {
  const [owner, admin, member, stranger] = (await Promise.all(
    ['owner', 'admin', 'member', 'stranger'].map((role) => fleet.user(`${group}-${role}`)),
  )) as [TrackerClient, TrackerClient, TrackerClient, TrackerClient]
  await owner.createGroup(group)
  await admin.requestJoin(group)
  await member.requestJoin(group)
  await owner.accept(group, [`${group}-admin`, `${group}-member`])
  await owner.promote(group, `${group}-admin`)
  return { owner, admin, member, stranger, anonymous: fleet.anonymous() }
}

/** Matches an error with this code in expect(…).rejects.toMatchObject(…). */
export const code = (name: string) => ({ code: name })
