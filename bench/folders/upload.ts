import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../testkit/until.ts'
import { TrackerClient } from '../../tracker-client/client.ts'
import { type Bench, median, rounded } from '../lib/bench.ts'
import { Fleet, GROUP } from '../lib/fleet.ts'
import { withPeer } from './peers.ts'
import { makeTree, smallFiles } from './trees.ts'

const SEED = 1
const OVERDUE_MS = 60_000

/** From the start of `shoal peer upload` until the tracker names a peer that serves the snapshot. */
export const upload: Bench = {
  name: 'folders/upload',
  about: '5,000 files of 10 kB in 50 folders, upload until others can download',
  needs: [],
  async run({ quick, runs = 5 }, report) {
    const commands: number[] = []
    const seconds: number[] = []
    await Fleet.with(async (fleet) => {
      const source = fleet.world.path('source')
      makeTree(source, smallFiles(quick), SEED)
      for (let run = 0; run < (quick ? 1 : runs); run++)
        await withPeer(fleet, async (seeder) => {
          const client = clientOf(seeder.home.folder, fleet.world.trackers)
          const name = `tree${run}`
          const begun = performance.now()
          commands.push(await seeder.upload(source, name))
          await until(async () => {
            const { files } = await client.files(GROUP, { prefix: name })
            return files[0]!.seeders > 0
          }, OVERDUE_MS)
          seconds.push((performance.now() - begun) / 1000)
        })
    })
    report({
      what: 'until others can download',
      value: rounded(median(seconds)),
      unit: 's',
      target: { atMost: 1.5 },
      detail: { seconds, commands },
    })
    report({ what: 'until the command ends', value: rounded(median(commands)), unit: 's' })
  },
}

function clientOf(home: string, trackers: string[]): TrackerClient {
  const { token } = JSON.parse(readFileSync(join(home, 'session.json'), 'utf8')) as { token: string }
  return new TrackerClient({ trackers, token })
}
