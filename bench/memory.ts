import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bench, rounded } from './lib/bench.ts'
import { GIB, MIB, withFolder } from './lib/files.ts'
import { Fleet } from './lib/fleet.ts'
import { residentBytes, sampled } from './lib/process.ts'

const DISK = '/var/tmp'
const SAMPLE_MS = 250

/**
 * Fetches a large file: the peer's memory must not grow with it. The bytes are zeros, so the source takes no
 * space.
 */
export const memory: Bench = {
  name: 'memory',
  about: '20 GiB of a sparse file, resident memory of the fetching peer',
  needs: [],
  async run({ quick }, report) {
    const size = quick ? GIB / 2 : 20 * GIB
    await withFolder(DISK, (folder) =>
      Fleet.with(async (fleet) => {
        const source = join(folder, 'source')
        writeFileSync(source, '')
        truncateSync(source, size)
        await fleet.upload(await fleet.peer('seeder'), source, 'sparse')
        const home = await fleet.home('leecher')
        const { ready } = await fleet.start(home)
        const pid = Number(ready.pid)
        const download = fleet.download(home, 'sparse', join(folder, 'target'))
        const [file, samples] = await sampled(SAMPLE_MS, () => residentBytes(pid) / MIB, download)
        const halves = [samples.slice(0, samples.length / 2), samples.slice(samples.length / 2)]
        const most = halves.map((half) => rounded(Math.max(...half)))
        const detail = { ...file, mostInFirstHalf: most[0], mostInSecondHalf: most[1] }
        const value = Math.max(...most)
        report({ what: 'resident memory at most', value, unit: 'MiB', target: { atMost: 200 }, detail })
      }),
    )
  },
}
