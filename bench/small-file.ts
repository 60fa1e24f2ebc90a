import { rmSync } from 'node:fs'
import { type Bench, median, rounded } from './lib/bench.ts'
import { MIB, mustBeSame, randomFile } from './lib/files.ts'
import { Fleet } from './lib/fleet.ts'

/** What a build step pays for one small file: everything from the shell's prompt to the next one. */
export const smallFile: Bench = {
  name: 'small-file',
  about: '1 MiB, `peer download --once`, whole process',
  needs: [],
  async run({ quick }, report) {
    await Fleet.with(async (fleet) => {
      const source = fleet.world.path('source')
      const target = fleet.world.path('target')
      randomFile(source, MIB)
      await fleet.upload(await fleet.peer('seeder'), source, 'small')
      const home = await fleet.home('leecher')
      const seconds: number[] = []
      for (let run = 0; run < (quick ? 2 : 11); run++) {
        const begun = performance.now()
        await fleet.download(home, 'small', target, ['--once'])
        seconds.push((performance.now() - begun) / 1000)
        mustBeSame(source, target)
        rmSync(target)
      }
      const what = '1 MiB with `peer download --once`'
      report({
        what,
        value: rounded(median(seconds)),
        unit: 's',
        target: { atMost: 0.6 },
        detail: { seconds },
      })
    })
  },
}
