import { randomUUID } from 'node:crypto'
import type { GroupEvent } from '../../../protocol/records.ts'
import { TestRedis } from '../../../testkit/redis-server.ts'
import { ReplicaProcess } from '../../../testkit/replica-process.ts'
import { tinyFile } from '../../../testkit/write-load.ts'
import { TrackerClient } from '../../../tracker-client/client.ts'
import type { FaultProxy } from '../faults/fault-proxy.ts'
import { faultyWay } from '../faults/faults.ts'
import type { Faults } from '../faults/faulty-lane.ts'
import { PASSWORD } from '../tracker-fleet.ts'
import type { Op } from './group-model.ts'

export interface Answer {
  status: number
  body: Record<string, unknown> & { revision?: number; error?: { code: string } }
}

/** The longest that a change may take despite all faults. */
const PATIENCE_MS = 20_000

/** Three replica processes, each with a fault proxy in front of Redis, and some users. */
export class ModelFleet {
  readonly users: string[]
  readonly redis: TestRedis
  readonly #replicas: ReplicaProcess[]
  readonly #proxies: FaultProxy[]
  readonly #tokens = new Map<string, string>()
  #restarting: Promise<void> = Promise.resolve()
  #stopping = false

  private constructor(users: string[], redis: TestRedis, replicas: ReplicaProcess[], proxies: FaultProxy[]) {
    this.users = users
    this.redis = redis
    this.#replicas = replicas
    this.#proxies = proxies
  }

  static async start(users: string[]): Promise<ModelFleet> {
    const redis = await TestRedis.start()
    const ways = await Promise.all([0, 1, 2].map(() => faultyWay(redis)))
    const replicas = await Promise.all(ways.map(({ url }) => ReplicaProcess.start(url)))
    const fleet = new ModelFleet(
      users,
      redis,
      replicas,
      ways.map(({ proxy }) => proxy),
    )
    const client = new TrackerClient({ trackers: replicas.map(({ url }) => url) })
    for (const user of users) {
      await client.register(user, PASSWORD)
      fleet.#tokens.set(user, (await client.login(user, PASSWORD)).token)
    }
    return fleet
  }

  /**
   * Tries a change at one replica after another, starting with `first` and with one key, until one gives a
   * final answer.
   */
  async change(group: string, op: Op, first: number, seen: number): Promise<Answer> {
    const key = randomUUID()
    const deadline = performance.now() + PATIENCE_MS
    for (let replica = first; performance.now() < deadline; replica++) {
      const answer = await this.#send(replica % 3, op.by, requestOf(group, op), seen, key)
      if (answer !== null && answer.status !== 503) return answer
    }
    throw new Error(`no replica takes ${JSON.stringify(op)}`)
  }

  /** One replica's answer about the group, at revision `seen` or later; null if it cannot answer now. */
  async read(
    group: string,
    path: string,
    user: string,
    replica: number,
    seen: number,
  ): Promise<Answer | null> {
    const answer = await this.#send(replica, user, { method: 'GET', path: `/groups/${group}${path}` }, seen)
    return answer?.status === 503 ? null : answer
  }

  /** All events of the group, read from Redis itself. */
  async events(group: string): Promise<GroupEvent[]> {
    const entries = await this.redis.ask((redis) => redis.xrange(`{g:${group}}:stream`, '-', '+'))
    return entries.map(([, [, text = '']]) => JSON.parse(text) as GroupEvent)
  }

  /** Kills a replica and restarts it in the background. One at a time, so it first heals the others. */
  async kill(replica: number): Promise<void> {
    await this.mend()
    const victim = this.#replicas[replica]!
    await victim.end('SIGKILL')
    this.#restarting = this.#revive(victim)
  }

  /** Adds faults to one replica's connection and heals the others. */
  spoil(replica: number, faults: Partial<Faults>): void {
    for (const proxy of this.#proxies) proxy.heal()
    this.#proxies[replica]!.set(faults)
  }

  cut(replica: number): void {
    this.#proxies[replica]!.cut()
  }

  async mend(): Promise<void> {
    for (const proxy of this.#proxies) proxy.heal()
    await this.#restarting
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.mend()
    await Promise.all(this.#replicas.map((replica) => replica.stop()))
    await Promise.all(this.#proxies.map((proxy) => proxy.stop()))
    await this.redis.stop()
  }

  /**
   * Restarts a replica like a supervisor: a replica that cannot reach Redis at its start exits, and is started again.
   */
  async #revive(victim: ReplicaProcess): Promise<void> {
    const started = await victim.restart().then(
      () => true,
      () => false,
    )
    if (!started && !this.#stopping) await this.#revive(victim)
  }

  async #send(
    replica: number,
    user: string,
    { method, path, body }: WireRequest,
    seen: number,
    key?: string,
  ): Promise<Answer | null> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.#tokens.get(user)}` }
    if (seen > 0) headers['shoal-revision'] = String(seen)
    if (key !== undefined) headers['idempotency-key'] = key
    if (body !== undefined) headers['content-type'] = 'application/json'
    const request = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    return fetch(`${this.#replicas[replica]?.url}/v1${path}`, request)
      .then(async (response) => ({
        status: response.status,
        body: (await response.json()) as Answer['body'],
      }))
      .catch(() => null)
  }
}

interface WireRequest {
  method: string
  path: string
  body?: unknown
}

function requestOf(group: string, op: Op): WireRequest {
  const path = `/groups/${group}`
  switch (op.type) {
    case 'create':
      return { method: 'POST', path: '/groups', body: { group } }
    case 'request':
      return { method: 'POST', path: `${path}/requests` }
    case 'accept':
    case 'reject':
      return { method: 'POST', path: `${path}/requests/${op.type}`, body: { users: op.users } }
    case 'kick':
      return { method: 'POST', path: `${path}/kick`, body: { users: op.users } }
    case 'leave':
      return { method: 'POST', path: `${path}/leave` }
    case 'promote':
      return { method: 'POST', path: `${path}/promote`, body: { user: op.user } }
    case 'publish':
      return { method: 'POST', path: `${path}/files`, body: { files: [tinyFile(op.name, op.content)] } }
    case 'remove':
      return { method: 'DELETE', path: `${path}/files?name=${encodeURIComponent(op.name)}` }
  }
}
