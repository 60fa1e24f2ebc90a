import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { LoadConnection } from '../../testkit/http-load.ts'
import type { ReplicaProcess } from '../../testkit/replica-process.ts'
import { packFiles } from '../../tracker-client/api/packed-files.ts'
import type { FileList, StatusBody } from '../../tracker-client/api/schemas.ts'
import { type Bench, median, rounded } from '../lib/bench.ts'
import { MIB } from '../lib/files.ts'
import { cleanly } from '../lib/on-signal.ts'
import { residentBytes, sampled } from '../lib/process.ts'
import { TrackerFleet } from '../lib/tracker-fleet.ts'
import { GROUP, helloOf, type Peer, type Population, peersOf, populate } from './population.ts'

const USERS = 100
const FILES_A_PEER = 100
const PEERS_A_FILE = 10
/** The heartbeat interval that trackers ask for. */
const HEARTBEAT_MS = 10_000
const TICK_MS = 100
const CONNECTIONS_A_REPLICA = 8
const WATCH_MS = 15_000
const PAGE = 1000

/** A million presence entries: their memory in replicas, and how soon a new replica serves them. */
export const presence: Bench = {
  name: 'presence',
  about: '1,000,000 presence entries: 10,000 peers with 100 of 100,000 files each',
  needs: [],
  async run({ quick }, report) {
    const [peerCount, runs] = quick ? [200, 1] : [10_000, 5]
    const files = (peerCount * FILES_A_PEER) / PEERS_A_FILE
    await TrackerFleet.with(2, async (fleet) => {
      const population = await populate(fleet, { users: USERS, files })
      const swarm = await AnnouncedPeers.start(
        fleet,
        peersOf(population, peerCount, FILES_A_PEER, files / FILES_A_PEER),
      )
      await cleanly(
        async () => {
          for (const replica of fleet.replicas) await knows(replica, { peers: peerCount, swarms: files })
          const memory = (): number[] => fleet.replicas.map(({ pid }) => residentBytes(pid) / MIB)
          const [, samples] = await sampled(250, memory, delay(quick ? 1000 : WATCH_MS))
          const seconds: number[] = []
          const memories: number[] = []
          for (let run = 0; run < runs; run++) {
            const begun = performance.now()
            const replica = await fleet.add()
            await listAll(replica, population)
            seconds.push((performance.now() - begun) / 1000)
            memories.push(residentBytes(replica.pid) / MIB)
            await replica.end('SIGTERM')
          }
          report({
            what: 'resident memory of a replica, at most',
            value: rounded(Math.max(...samples.flat(), ...memories)),
            unit: 'MiB',
            target: { atMost: 1024 },
            detail: { announcedThere: samples.at(-1)!.map(rounded), loaded: memories.map(rounded) },
          })
          report({
            what: 'from the start of a new replica until it has listed all files with all their peers',
            value: rounded(median(seconds)),
            unit: 's',
            target: { atMost: 10 },
            detail: { seconds: seconds.map(rounded) },
          })
        },
        () => swarm.stop(),
      )
    })
  },
}

/** Announced peers, half of them at each replica, that keep sending heartbeats. */
class AnnouncedPeers {
  readonly #peers: readonly Peer[]
  readonly #connections: LoadConnection[]
  readonly #stop = new AbortController()
  #beating: Promise<void> = Promise.resolve()

  private constructor(peers: readonly Peer[], connections: LoadConnection[]) {
    this.#peers = peers
    this.#connections = connections
  }

  static async start({ replicas }: TrackerFleet, peers: readonly Peer[]): Promise<AnnouncedPeers> {
    const urls = Array.from({ length: CONNECTIONS_A_REPLICA }, () => replicas.map(({ url }) => url)).flat()
    const swarm = new AnnouncedPeers(peers, await Promise.all(urls.map((url) => LoadConnection.open(url))))
    await Promise.all(swarm.#connections.map((_, lane) => swarm.#announceLane(lane)))
    swarm.#beating = swarm.#beat()
    return swarm
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#beating
    for (const connection of this.#connections) connection.close()
  }

  async #announceLane(lane: number): Promise<void> {
    for (let i = lane; i < this.#peers.length; i += this.#connections.length) await this.#say(i, true)
  }

  async #beat(): Promise<void> {
    const aTick = Math.ceil((this.#peers.length * TICK_MS) / HEARTBEAT_MS)
    for (let next = 0; !this.#stop.signal.aborted; next += aTick) {
      const peers = Array.from({ length: aTick }, (_, i) => (next + i) % this.#peers.length)
      await Promise.all([delay(TICK_MS), ...peers.map((i) => this.#say(i, false))])
    }
  }

  /** Announces or sends a heartbeat, always to the same replica. */
  async #say(i: number, inFull: boolean): Promise<void> {
    const peer = this.#peers[i]!
    const { token, announce } = peer
    const { files, ...heartbeat } = announce
    const said = inFull ? { files: packFiles(files), hello: helloOf(peer) } : {}
    const body = { ...heartbeat, sequence: 1, ...said }
    const connection = this.#connections[i % this.#connections.length]!
    const { resync } = await connection.ask<{ resync: boolean }>({
      method: 'POST',
      path: '/v1/announce',
      token,
      key: randomUUID(),
      body,
    })
    if (resync) throw new Error('a replica has forgotten a peer')
  }
}

/** Waits until the replica reports these counts. */
async function knows({ url }: ReplicaProcess, wanted: Pick<StatusBody, 'peers' | 'swarms'>): Promise<void> {
  const connection = await LoadConnection.open(url)
  for (;;) {
    const { peers, swarms } = await connection.ask<StatusBody>({ method: 'GET', path: '/v1/status' })
    if (peers === wanted.peers && swarms === wanted.swarms) break
    await delay(100)
  }
  connection.close()
}

/** Pages through all files. Throws if one lacks a peer. */
async function listAll({ url }: ReplicaProcess, { users, files }: Population): Promise<void> {
  const connection = await LoadConnection.open(url)
  const { token } = users[0]!
  let listed = 0
  for (let after: string | null = ''; after !== null; ) {
    const path = `/v1/groups/${GROUP}/files?limit=${PAGE}&after=${encodeURIComponent(after)}`
    const page: FileList = await connection.ask<FileList>({ method: 'GET', path, token })
    for (const { name, seeders, leechers } of page.files)
      if (seeders + leechers !== PEERS_A_FILE) throw new Error(`${name} has ${seeders} + ${leechers} peers`)
    listed += page.files.length
    after = page.next
  }
  connection.close()
  if (listed !== files.size) throw new Error(`${listed} of ${files.size} files are listed`)
}
