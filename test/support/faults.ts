import { FaultProxy, type ProxyOptions } from './fault-proxy.ts'
import type { TestRedis } from './redis-server.ts'
import { WriteLoad } from './write-load.ts'

/** Whether the figures of the reliability programme are asked for (npm run test:faults), or a short form of them. */
export const FULL = process.env.SHOAL_FAULTS === 'full'

/** What a test's chance comes from: SHOAL_SEED, to repeat a run, else another one each time. */
export const SEED = Number(process.env.SHOAL_SEED ?? Math.floor(Math.random() * 2 ** 31))

/** For hooks that start replicas and register users, on a loaded machine too. */
export const HOOK_MS = 60_000

/** A fault test that prints its row of the programme, its seed, and the figures that it returns. */
export function faultTest(
  name: string,
  body: () => Promise<Record<string, string | number>>,
  minutes = FULL ? 10 : 1,
): void {
  test(
    name,
    async () => {
      process.stderr.write(`${name.split(':')[0]}: seed ${SEED}\n`)
      const figures = Object.entries(await body().finally(WriteLoad.stopAll)).map(
        ([what, value]) => `${what} ${value}`,
      )
      process.stderr.write(`${name}\n    ${figures.join(', ')}\n`)
    },
    minutes * 60_000,
  )
}

/** A faulty way to a Redis, and the URL that leads through it. */
export async function faultyWay(
  redis: TestRedis,
  options: ProxyOptions = {},
): Promise<{ proxy: FaultProxy; url: string }> {
  const path = decodeURIComponent(new URL(redis.url).pathname)
  const proxy = await FaultProxy.start({ path }, { seed: SEED, ...options })
  return { proxy, url: `redis://127.0.0.1:${proxy.port}` }
}

export const rounded = (ms: number): number => Math.round(ms)

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
