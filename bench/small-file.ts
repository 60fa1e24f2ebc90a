import { rmSync } from 'node:fs'
import { type Bench, interleaved, median, rounded } from './lib/bench.ts'
import { MIB, mustBeSame, randomFile } from './lib/files.ts'
import { Fleet } from './lib/fleet.ts'
import { PROGRAMS, programsHere } from './lib/programs.ts'

/** The cost of one small file to a build step, from shell prompt to shell prompt. */
export const smallFile: Bench = {
  name: 'small-file',
  about: '1 MiB, `peer download --once`, whole process, by Node and by the single binary',
  needs: [],
  async run({ quick }, report) {
    const here = programsHere().filter((name) => name !== 'deno')
    await Fleet.with(async (fleet) => {
      const source = fleet.world.path('source')
      const target = fleet.world.path('target')
      randomFile(source, MIB)
      await fleet.upload(await fleet.peer('seeder'), source, 'small')
      const downloads: Record<string, () => Promise<number>> = {}
      for (const name of here) {
        fleet.world.home(name, PROGRAMS[name])
        const home = await fleet.home(name)
        downloads[name] = async () => {
          const begun = performance.now()
          await fleet.download(home, 'small', target, ['--once'])
          const seconds = (performance.now() - begun) / 1000
          mustBeSame(source, target)
          rmSync(target)
          return seconds
        }
      }
      const seconds = await interleaved(quick ? 2 : 11, downloads)
      for (const name of here)
        report({
          what: `1 MiB with \`peer download --once\`, ${name}`,
          value: rounded(median(seconds[name]!)),
          unit: 's',
          target: { atMost: 0.6 },
          detail: { seconds: seconds[name] },
        })
    })
  },
}
