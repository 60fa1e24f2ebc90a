import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bench, rounded } from './lib/bench.ts'
import { GIB, MIB, randomFile } from './lib/files.ts'
import { Fleet } from './lib/fleet.ts'
import { cpuSeconds, processesWith } from './lib/process.ts'

/** V8's .cpuprofile, as far as it is read here. */
interface CpuProfile {
  nodes: { id: number; callFrame: { url: string } }[]
  samples: number[]
  /** Microseconds, as `startTime`, which is of the monotonic clock. */
  timeDeltas: number[]
  startTime: number
}

const QUEUE_CODE = /node_modules\/(bullmq|ioredis|msgpackr|redis-)/

/** What the queue costs: CPU of its Redis, and of BullMQ and its client in the peer, over all that a download uses. */
export const queueCost: Bench = {
  name: 'queue-cost',
  about: 'share of Redis and BullMQ in the CPU of a download of 1 GiB',
  needs: [],
  async run({ quick }, report) {
    const size = quick ? 256 * MIB : GIB
    await Fleet.with(async (fleet) => {
      const source = fleet.world.path('source')
      const profiles = fleet.world.path('profiles')
      mkdirSync(profiles)
      randomFile(source, size)
      await fleet.upload(await fleet.peer('seeder'), source, 'file')
      const home = await fleet.home('leecher')
      const env = { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` }
      const peer = await fleet.start(home, [], { env })
      const pid = Number(peer.ready.pid)
      const redis = processesWith(join(home.folder, 'queue'))
      const used = () => ({
        peer: cpuSeconds(pid),
        redis: redis.reduce((sum, each) => sum + cpuSeconds(each), 0),
      })
      const [before, begun] = [used(), monotonic()]
      await fleet.download(home, 'file', fleet.world.path('target'))
      const [after, ended] = [used(), monotonic()]
      await peer.end()
      const seconds = { peer: after.peer - before.peer, redis: after.redis - before.redis }
      const queueCode = readdirSync(profiles).reduce(
        (sum, name) => sum + secondsIn(join(profiles, name), begun, ended),
        0,
      )
      const share = (seconds.redis + queueCode) / (seconds.peer + seconds.redis)
      const detail = { ...seconds, queueCode: rounded(queueCode) }
      const what = 'share of Redis and BullMQ in the CPU time'
      report({ what, value: rounded(100 * share), unit: '%', target: { atMost: 5 }, detail })
    })
  },
}

/** Microseconds of the clock that profiles are dated by. */
const monotonic = (): number => Number(process.hrtime.bigint() / 1000n)

/** Seconds that a profile spent in the queue's code itself, between two moments: not while the peer loaded it. */
function secondsIn(path: string, from: number, to: number): number {
  const { nodes, samples, timeDeltas, startTime } = JSON.parse(readFileSync(path, 'utf8')) as CpuProfile
  const queue = new Set(nodes.filter(({ callFrame }) => QUEUE_CODE.test(callFrame.url)).map(({ id }) => id))
  let [at, microseconds] = [startTime, 0]
  samples.forEach((id, i) => {
    const delta = timeDeltas[i] ?? 0
    at += delta
    if (at >= from && at < to && queue.has(id)) microseconds += delta
  })
  return microseconds / 1e6
}
