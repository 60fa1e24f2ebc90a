import type { TestRedis } from '../../../testkit/redis-server.ts'
import { WriteLoad } from '../../../testkit/write-load.ts'
import { FaultProxy, type ProxyOptions } from './fault-proxy.ts'

/** Whether to measure the full figures (npm run test:faults) or run a short form. */
export const FULL = process.env.SHOAL_FAULTS === 'full'

/** The seed of a test's randomness: SHOAL_SEED to repeat a run, else a new one each time. */
export const SEED = Number(process.env.SHOAL_SEED ?? Math.floor(Math.random() * 2 ** 31))

/** For hooks that start replicas and register users, even on a loaded machine. */
export const HOOK_MS = 60_000

/** A fault test that prints its name, its seed, and the figures that it returns. */
export function faultTest(
  name: string,
  body: () => Promise<Record<string, string | number>>,
  minutes = FULL ? 10 : 1,
): void {
  test(
    name,
    async () => {
      process.stderr.write(`${name}: seed ${SEED}\n`)
      const figures = Object.entries(await body().finally(WriteLoad.stopAll)).map(
        ([what, value]) => `${what} ${value}`,
      )
      process.stderr.write(`${name}\n    ${figures.join(', ')}\n`)
    },
    minutes * 60_000,
  )
}

/** A fault proxy in front of a Redis, and the URL through it. */
export async function faultyWay(
  redis: TestRedis,
  options: ProxyOptions = {},
): Promise<{ proxy: FaultProxy; url: string }> {
  const path = decodeURIComponent(new URL(redis.url).pathname)
  const proxy = await FaultProxy.start({ path }, { seed: SEED, ...options })
  return { proxy, url: `redis://127.0.0.1:${proxy.port}` }
}

export const rounded = (ms: number): number => Math.round(ms)

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
