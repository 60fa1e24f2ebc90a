import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { LoadConnection, wireRequest } from '../../testkit/http-load.ts'
import { tinyFile } from '../../testkit/write-load.ts'
import { type Bench, median, percentile, rounded } from '../lib/bench.ts'
import { cpuSeconds } from '../lib/process.ts'
import { type BenchUser, TrackerFleet } from '../lib/tracker-fleet.ts'

const REPLICAS = 3
/** Groups that all replicas hold in memory; users join them and publish files. */
const GROUPS = 100
const USERS = 1000
/** Each makes one change at a time. */
const CLIENTS = 24
/** Between two visibility probes. */
const PROBE_EVERY_MS = 10

/**
 * Equal parts of four changes, over three replicas on one Redis. Replicas, Redis and the load share all
 * cores.
 */
export const changes: Bench = {
  name: 'changes',
  about: 'create, join, accept and publish in equal parts over three replicas',
  needs: [],
  async run({ quick }, report) {
    const [rounds, ms] = quick ? [1, 2000] : [5, 8000]
    await TrackerFleet.with(REPLICAS, async (fleet) => {
      const load = new ChangeLoad(fleet, await fleet.users(USERS))
      await load.prepare()
      await load.run(ms / 2)
      const results: ChangeResult[] = []
      for (let round = 0; round < rounds; round++) results.push(await load.run(ms))
      load.close()
      const over = (value: (result: ChangeResult) => number): number =>
        rounded(median(results.map((result) => value(result))))
      const rates = results.map(({ rate }) => rounded(rate))
      report({
        what: 'changes in all',
        value: over(({ rate }) => rate),
        unit: 'a second',
        target: { atLeast: 3000 },
        detail: { rates, clients: CLIENTS, cpu: results.map(({ cpu }) => cpu) },
      })
      report({ what: 'a change, p99', value: over(({ took }) => percentile(took, 0.99)), unit: 'ms' })
      report({
        what: 'visible on every replica after its answer, p99',
        value: over(({ visible }) => percentile(visible, 0.99)),
        unit: 'ms',
        target: { atMost: 20 },
        detail: {
          p50: over(({ visible }) => median(visible)),
          most: over(({ visible }) => Math.max(...visible)),
          probes: results.map(({ visible }) => visible.length),
        },
      })
    })
  },
}

interface ChangeResult {
  /** Changes a second. */
  rate: number
  /** Milliseconds per change. */
  took: number[]
  /** Milliseconds from a change's answer until all replicas showed it. */
  visible: number[]
  /** CPU seconds per second: replicas, Redis and this process. */
  cpu: { replicas: number; redis: number; load: number }
}

interface Answered {
  revision: number
  answeredAt: number
}

class ChangeLoad {
  readonly #fleet: TrackerFleet
  readonly #owner: BenchUser
  readonly #joiners: BenchUser[]
  readonly #connections: LoadConnection[] = []
  #rounds = 0
  /** Receives the next change to a standing group. */
  #probe: ((group: string, answered: Answered) => void) | null = null

  constructor(fleet: TrackerFleet, [owner, ...joiners]: BenchUser[]) {
    this.#fleet = fleet
    this.#owner = owner!
    this.#joiners = joiners
  }

  async prepare(): Promise<void> {
    for (let i = 0; i < GROUPS; i++) await this.#fleet.group(standing(i), this.#owner)
    for (const { url } of this.#fleet.replicas) {
      const connection = await LoadConnection.open(url)
      this.#connections.push(connection)
      for (let i = 0; i < GROUPS; i++) await this.#revision(connection, standing(i))
    }
  }

  async run(ms: number): Promise<ChangeResult> {
    const took: number[] = []
    const before = this.#cpu()
    const start = performance.now()
    const probing = this.#look(start + ms)
    await Promise.all(Array.from({ length: CLIENTS }, (_, i) => this.#work(i, start + ms, took)))
    const seconds = (performance.now() - start) / 1000
    const after = this.#cpu()
    const used = (who: keyof typeof before): number => rounded((after[who] - before[who]) / seconds)
    const cpu = { replicas: used('replicas'), redis: used('redis'), load: used('load') }
    return { rate: took.length / seconds, took, visible: await probing, cpu }
  }

  close(): void {
    for (const connection of this.#connections) connection.close()
  }

  /** Rounds of the four changes. Joiners and owners use different replicas, as people do. */
  async #work(client: number, deadline: number, took: number[]): Promise<void> {
    const at = (i: number): Promise<LoadConnection> =>
      LoadConnection.open(this.#fleet.replicas[i % REPLICAS]!.url)
    const [here, there] = await Promise.all([at(client), at(client + 1)])
    const owner = this.#owner
    while (performance.now() < deadline) {
      const round = this.#rounds++
      const joiner = this.#joiners[Math.floor(round / GROUPS)]
      if (joiner === undefined) throw new Error('all users have joined all groups: raise USERS')
      const group = standing(round % GROUPS)
      const path = `/v1/groups/${group}`
      const change = async (
        connection: LoadConnection,
        { token }: BenchUser,
        to: string,
        body?: unknown,
      ): Promise<void> => {
        const request = { method: 'POST', path: to, token, key: randomUUID(), body } as const
        const begun = performance.now()
        const { status, body: text } = await connection.send(wireRequest(request))
        const answeredAt = performance.now()
        if (status > 299) throw new Error(`${to}: ${status} ${text}`)
        took.push(answeredAt - begun)
        if (this.#probe !== null && to !== '/v1/groups')
          this.#probe(group, { revision: JSON.parse(text.toString()).revision, answeredAt })
      }
      await change(here, owner, '/v1/groups', { group: `made-${round}` })
      await change(there, joiner, `${path}/requests`)
      await change(here, owner, `${path}/requests/accept`, { users: [joiner.user] })
      await change(there, joiner, `${path}/files`, { files: [tinyFile(`file-${round}`)] })
    }
    here.close()
    there.close()
  }

  /** Probes a change from time to time, on all replicas at once. */
  async #look(deadline: number): Promise<number[]> {
    const visible: number[] = []
    while (performance.now() < deadline) {
      const { promise, resolve } = Promise.withResolvers<[string, Answered]>()
      this.#probe = (group, answered) => {
        this.#probe = null
        resolve([group, answered])
      }
      const found = await Promise.race([promise, delay(1000).then(() => null)])
      if (found === null) break
      const [group, { revision, answeredAt }] = found
      await Promise.all(
        this.#connections.map(async (connection) => {
          while ((await this.#revision(connection, group)) < revision);
        }),
      )
      visible.push(performance.now() - answeredAt)
      await delay(PROBE_EVERY_MS)
    }
    this.#probe = null
    return visible
  }

  /** The revision that a replica answers to a client that has seen none. */
  async #revision(connection: LoadConnection, group: string): Promise<number> {
    const path = `/v1/groups/${group}/files?limit=1`
    const { revision } = await connection.ask<{ revision: number }>({
      method: 'GET',
      path,
      token: this.#owner.token,
    })
    return revision
  }

  #cpu(): { replicas: number; redis: number; load: number } {
    const replicas = this.#fleet.replicas.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0)
    return { replicas, redis: cpuSeconds(this.#fleet.redis.pid), load: cpuSeconds(process.pid) }
  }
}

const standing = (i: number): string => `standing-${i}`
