import { FIRST_REJOIN_MS, REJOIN_MS } from '../../peer/download/swarm/swarm-membership.ts'
import { Bitmap } from '../../protocol/bitmap.ts'
import { chunkCount } from '../../protocol/chunking.ts'
import { seededRandom } from '../../testkit/random.ts'
import { handOut } from '../../tracker/presence/handout-policy.ts'
import { Clock } from './clock.ts'
import { Host } from './host.ts'
import { Leecher } from './leecher.ts'

export interface Scenario {
  leechers: number
  /** Bytes. */
  size: number
  /** Bytes a second, up and down. */
  rate: number
  /** The origin's upload limit, bytes a second. */
  originRate: number
  /** Seconds, one way. */
  latency: number
  /** Seconds between the starts of two leechers. */
  every: number
  seed: number
}

export interface Outcome {
  /** Seconds from each leecher's own start to its last chunk, ascending. */
  times: number[]
  /** Seconds from the first start to the last leecher's last chunk. */
  last: number
  /** Copies of the file that the origin sent. */
  originCopies: number
  /** Chunks that arrived twice, per leecher. */
  duplicates: number
  complete: number
}

/** Hosts per subnet (a rack), which is all that the handout policy sees of the network. */
const HOSTS_A_SUBNET = 40
/** A download without peers asks the tracker again at its next tick. */
const REJOIN_ALONE_SECONDS = 0.25

/** Simulates one origin and `leechers` hosts that fetch the same file from it and from each other. */
export function simulate(scenario: Scenario): Outcome {
  const { size, rate, originRate, latency, every } = scenario
  const clock = new Clock(latency)
  const random = seededRandom(scenario.seed)
  const chunks = chunkCount(size)
  const swarm = new Map<string, { host: Host; leecher: Leecher | null }>()
  const leechers: Leecher[] = []
  let running = scenario.leechers

  const origin = new Host(clock, recordOf(0, true), { up: originRate, down: rate }, Bitmap.full(chunks))
  swarm.set(origin.id, { host: origin, leecher: null })

  const join = (leecher: Leecher, pause: number): void => {
    if (leecher.done) return
    const records = function* () {
      for (const { host } of swarm.values()) yield host.record
    }
    const peers = handOut(records(), leecher.host.record, random)
    swarm.set(leecher.host.id, { host: leecher.host, leecher })
    for (const { peer, complete } of peers) {
      const known = swarm.get(peer)!
      leecher.offer(known.host, known.leecher, complete, false)
    }
    const again = leecher.connections === 0 ? REJOIN_ALONE_SECONDS : pause / 1000
    clock.at(clock.now + again, { happen: () => join(leecher, Math.min(REJOIN_MS, 2 * pause)) })
  }
  const start = (n: number): void => {
    const have = new Bitmap(chunks)
    const host = new Host(clock, recordOf(n, false), { up: rate, down: rate }, have)
    const onDone = (): void => {
      running--
      host.record.complete = true
    }
    const leecher = new Leecher({ clock, host, size, random, onDone })
    leechers.push(leecher)
    // The round trip to the tracker.
    clock.at(clock.now + 2 * latency, { happen: () => join(leecher, FIRST_REJOIN_MS) })
  }
  for (let n = 1; n <= scenario.leechers; n++) clock.at((n - 1) * every, { happen: () => start(n) })

  clock.run(() => running === 0)
  const finished = leechers.filter(({ done }) => done)
  return {
    times: finished.map(({ startedAt, finishedAt }) => finishedAt - startedAt).sort((a, b) => a - b),
    last: Math.max(...finished.map(({ finishedAt }) => finishedAt)),
    originCopies: origin.uplink.sent / size,
    duplicates: leechers.reduce((sum, { duplicates }) => sum + duplicates, 0) / scenario.leechers,
    complete: finished.length,
  }
}

function recordOf(n: number, complete: boolean) {
  const subnet = Math.floor(n / HOSTS_A_SUBNET)
  return {
    peer: n.toString(16).padStart(64, '0'),
    host: `10.${subnet >> 8}.${subnet & 255}.${1 + (n % HOSTS_A_SUBNET)}`,
    port: 4000,
    tls: true,
    complete,
  }
}
