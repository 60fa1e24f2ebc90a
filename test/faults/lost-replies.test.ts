import { randomUUID } from 'node:crypto'
import { until } from '../../testkit/until.ts'
import { tinyFile } from '../../testkit/write-load.ts'
import { FaultProxy } from '../support/faults/fault-proxy.ts'
import { FULL, faultTest, faultyWay, SEED } from '../support/faults/faults.ts'
import { TestFleet } from '../support/tracker-fleet.ts'

const WRITES = FULL ? 10_000 : 400
const WORKERS = 8
/** The share of lost replies, from Redis to trackers and from trackers to clients. */
const CUT = 0.03

interface Published {
  revision: number
  files: { version: number }[]
}

faultTest(
  'each write is applied once although answers are lost between Redis, tracker and client',
  async () => {
    const fleet = await TestFleet.start(0)
    const links = await Promise.all([faultyWay(fleet.redis), faultyWay(fleet.redis)])
    const doors: FaultProxy[] = []
    for (const { url } of links) {
      const replica = new URL((await fleet.add(url)).url)
      doors.push(
        await FaultProxy.start({ host: replica.hostname, port: Number(replica.port) }, { seed: SEED }),
      )
    }
    const proxies = [...links.map(({ proxy }) => proxy), ...doors]
    try {
      const owner = await fleet.user('owner')
      await owner.createGroup('team')
      for (const proxy of proxies) proxy.set({ cutReplies: CUT })
      let attempts = 0

      /** Asks the replicas in turn, always with the same key, until one confirms. */
      const publish = async (name: string, salt: string): Promise<Published> => {
        const headers = {
          authorization: `Bearer ${owner.token}`,
          'content-type': 'application/json',
          'idempotency-key': randomUUID(),
        }
        const request = { method: 'POST', headers, body: JSON.stringify({ files: [tinyFile(name, salt)] }) }
        for (;;) {
          const door = doors[attempts++ % doors.length]!
          const answer = await fetch(`http://127.0.0.1:${door.port}/v1/groups/team/files`, request)
            .then(async (response) => ({ status: response.status, body: await response.json() }))
            .catch(() => null)
          if (answer?.status === 200) return answer.body as Published
          if (answer !== null && answer.status !== 503) throw new Error(JSON.stringify(answer))
        }
      }
      const work = async (name: string): Promise<void> => {
        for (let i = 1; i <= WRITES / WORKERS; i++) {
          const { files } = await publish(name, `content ${i}`)
          expect([name, files[0]?.version]).toEqual([name, i])
        }
      }
      await Promise.all(Array.from({ length: WORKERS }, (_, i) => work(`counter ${i}`)))

      for (const proxy of proxies) proxy.heal()
      // This replica may have missed the last writes while its connection was cut.
      await until(async () => (await owner.files('team')).revision >= 1 + WRITES)
      const { files, revision } = await owner.files('team')
      expect(revision).toBe(1 + WRITES)
      expect(files.map(({ version }) => version)).toEqual(Array(WORKERS).fill(WRITES / WORKERS))
      const lost = proxies.reduce((sum, proxy) => sum + proxy.lost, 0)
      expect(lost).toBeGreaterThan(WRITES / 100)
      return { writes: WRITES, attempts, repliesLost: lost, appliedTwice: 0, lost: 0 }
    } finally {
      await fleet.stop()
      await Promise.all(proxies.map((proxy) => proxy.stop()))
    }
  },
)
