import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Bench, median, rounded } from './lib/bench.ts'
import { GIB, MIB, randomFile } from './lib/files.ts'
import { Fleet } from './lib/fleet.ts'
import { cpuSeconds, processesWith } from './lib/process.ts'

/** The fields of V8's .cpuprofile that we read. */
interface CpuProfile {
  nodes: { id: number; callFrame: { url: string } }[]
  samples: number[]
  /** In microseconds, like `startTime`, which uses the monotonic clock. */
  timeDeltas: number[]
  startTime: number
}

const QUEUE_CODE = /node_modules\/(bullmq|ioredis|msgpackr|redis-)/

/**
 * The cost of the queue: CPU of its Redis and of BullMQ in the peer, as a share of everything a download
 * uses.
 */
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
      const target = fleet.world.path('target')
      const runs: { begun: number; ended: number; peer: number; redis: number }[] = []
      for (let run = 0; run < (quick ? 1 : 5); run++) {
        const [before, begun] = [used(), monotonic()]
        await fleet.download(home, 'file', target)
        const [after, ended] = [used(), monotonic()]
        runs.push({ begun, ended, peer: after.peer - before.peer, redis: after.redis - before.redis })
        rmSync(target)
      }
      await peer.end()
      const profiled = readdirSync(profiles).map((name) => readProfile(join(profiles, name)))
      const shares = runs.map(({ begun, ended, peer, redis }) => {
        const queueCode = profiled.reduce((sum, profile) => sum + queueSeconds(profile, begun, ended), 0)
        return (100 * (redis + queueCode)) / (peer + redis)
      })
      const what = 'share of Redis and BullMQ in the CPU time'
      const detail = { shares: shares.map(rounded) }
      report({ what, value: rounded(median(shares)), unit: '%', target: { atMost: 5 }, detail })
    })
  },
}

/** Microseconds on the clock that profiles use. */
const monotonic = (): number => Number(process.hrtime.bigint() / 1000n)

const readProfile = (path: string): CpuProfile => JSON.parse(readFileSync(path, 'utf8')) as CpuProfile

/** Seconds that a profile spent in the queue's code between two moments, which excludes loading it. */
function queueSeconds(
  { nodes, samples, timeDeltas, startTime }: CpuProfile,
  from: number,
  to: number,
): number {
  const queue = new Set(nodes.filter(({ callFrame }) => QUEUE_CODE.test(callFrame.url)).map(({ id }) => id))
  let [at, microseconds] = [startTime, 0]
  samples.forEach((id, i) => {
    const delta = timeDeltas[i] ?? 0
    at += delta
    if (at >= from && at < to && queue.has(id)) microseconds += delta
  })
  return microseconds / 1e6
}
