import { randomUUID } from 'node:crypto'
import { LoadConnection, type LoadRequest } from '../../testkit/http-load.ts'
import { tinyFile } from '../../testkit/write-load.ts'
import type { FileList } from '../../tracker-client/api/schemas.ts'
import { type Bench, median, percentile, rounded } from '../lib/bench.ts'
import { withPinnedReplica } from '../lib/cores.ts'
import { type BenchUser, peerId } from '../lib/tracker-fleet.ts'
import { GROUP, type Population, populate } from './population.ts'

const MEMBERS = 100
/** Each makes one request at a time. */
const CLIENTS = 4
const PAGE = 100
const TARGET = { atMost: 10 }

/** The operations on a group, which name the figures. */
type Work = 'list a page of 100' | 'publish a file' | 'ask to join' | 'accept' | 'leave' | 'join a swarm'
type Took = Record<Work, number[]>

/** A group of 100,000 files on one replica with a core to itself, with all operations at once. */
export const largeGroup: Bench = {
  name: 'large-group',
  about: 'listing, publishing and joining in a group of 100,000 files, from one replica on one core',
  needs: ['taskset'],
  async run({ quick }, report) {
    const [files, runs, ms] = quick ? [2000, 1, 1000] : [100_000, 5, 8000]
    await withPinnedReplica(async (url, fleet) => {
      const population = await populate(fleet, { users: MEMBERS, files })
      const strangers = await fleet.users(CLIENTS, 'stranger')
      const use = new GroupUse(url, population, strangers)
      await use.run(ms / 4)
      const results: Took[] = []
      for (let run = 0; run < runs; run++) results.push(await use.run(ms))
      for (const work of Object.keys(results[0]!) as Work[]) {
        const p99s = results.map((took) => rounded(percentile(took[work], 0.99)))
        report({
          what: `${work}, p99`,
          value: median(p99s),
          unit: 'ms',
          target: TARGET,
          detail: {
            p99s,
            p50: rounded(median(results.map((took) => median(took[work])))),
            aSecond: rounded(median(results.map((took) => (took[work].length * 1000) / ms))),
          },
        })
      }
    })
  },
}

class GroupUse {
  readonly #url: string
  readonly #owner: BenchUser
  readonly #strangers: readonly BenchUser[]
  readonly #names: readonly string[]
  readonly #ids: readonly string[]
  #published = 0

  constructor(url: string, { users, files }: Population, strangers: readonly BenchUser[]) {
    this.#url = url
    this.#owner = users[0]!
    this.#strangers = strangers
    this.#names = [...files.keys()]
    this.#ids = [...files.values()]
  }

  async run(ms: number): Promise<Took> {
    const took: Took = {
      'list a page of 100': [],
      'publish a file': [],
      'ask to join': [],
      accept: [],
      leave: [],
      'join a swarm': [],
    }
    const deadline = performance.now() + ms
    await Promise.all(this.#strangers.map((user, i) => this.#use(user, i, deadline, took)))
    return took
  }

  /** A user asks to join, is accepted, lists, publishes, joins swarms, and leaves again. */
  async #use(user: BenchUser, i: number, deadline: number, took: Took): Promise<void> {
    const connection = await LoadConnection.open(this.#url)
    const timed = async <T>(work: Work, request: LoadRequest): Promise<T> => {
      const begun = performance.now()
      const answer = await connection.ask<T>(request)
      took[work].push(performance.now() - begun)
      return answer
    }
    const post = (by: BenchUser, path: string, body?: unknown): LoadRequest => {
      const at = `/v1/groups/${GROUP}${path}`
      return { method: 'POST', path: at, token: by.token, key: randomUUID(), body }
    }
    while (performance.now() < deadline) {
      await timed('ask to join', post(user, '/requests'))
      await timed('accept', post(this.#owner, '/requests/accept', { users: [user.user] }))
      for (let n = 0; n < 4; n++) {
        await this.#list(user, timed)
        await timed('publish a file', post(user, '/files', { files: [tinyFile(this.#newName())] }))
        const body = { peer: peerId(i), fileIds: [any(this.#ids)], hashes: true }
        await timed('join a swarm', post(user, '/swarms', body))
      }
      await timed('leave', post(user, '/leave'))
    }
    connection.close()
  }

  async #list(
    { token }: BenchUser,
    timed: <T>(work: Work, request: LoadRequest) => Promise<T>,
  ): Promise<void> {
    const after = any(this.#names)
    const path = `/v1/groups/${GROUP}/files?limit=${PAGE}&after=${encodeURIComponent(after)}`
    const { files } = await timed<FileList>('list a page of 100', { method: 'GET', path, token })
    if (files.some(({ name }) => name <= after)) throw new Error('a page contains a name before its start')
  }

  /** A new name that sorts among the existing ones. */
  #newName(): string {
    return `${any(this.#names)}.${this.#published++}`
  }
}

const any = <T>(items: readonly T[]): T => items[Math.floor(Math.random() * items.length)]!
