import { mkdirSync } from 'node:fs'
import { type Bench, interleaved, median, rounded } from './lib/bench.ts'
import { GIB, MIB } from './lib/files.ts'
import { Fleet } from './lib/fleet.ts'
import { pair } from './lib/pair.ts'
import { PROGRAMS, programsHere } from './lib/programs.ts'

/** The same transfer on every runtime: seeder and leecher both use it, over TLS, in memory. */
export const runtimes: Bench = {
  name: 'runtimes',
  about: '256 MiB and 1 GiB, one seeder to one leecher, TLS, by Node, Deno and the single binary',
  needs: [],
  async run({ quick }, report) {
    const here = programsHere()
    for (const size of quick ? [32 * MIB] : [256 * MIB, GIB])
      await Fleet.with(async (fleet) => {
        for (const folder of ['src', 'out']) mkdirSync(fleet.world.path(folder))
        const transfers: Record<string, () => Promise<number>> = {}
        for (const name of here) {
          const transfer = await pair(fleet, name, size, [], PROGRAMS[name])
          transfers[name] = () => transfer([])
        }
        const seconds = await interleaved(quick ? 1 : 5, transfers)
        for (const name of here)
          report({
            what: `${name}, ${size / MIB} MiB`,
            value: rounded(size / MIB / median(seconds[name]!)),
            unit: 'MiB/s',
            detail: { seconds: seconds[name] },
          })
        // Compare round by round, because other load on the machine hits all contenders of a round alike.
        const rounds = seconds.deno!.map((deno, i) => seconds.node![i]! / deno)
        report({
          what: `deno over node, ${size / MIB} MiB`,
          value: rounded(median(rounds)),
          unit: '×',
          detail: { rounds },
        })
      })
  },
}
