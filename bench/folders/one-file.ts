import { mkdirSync, rmSync } from 'node:fs'
import { type Bench, interleaved, median, rounded } from '../lib/bench.ts'
import { GIB, MIB, mustBeSame, randomFile } from '../lib/files.ts'
import { Fleet } from '../lib/fleet.ts'
import { withPeer } from './peers.ts'

/** One large file by itself, and the same file as a snapshot of the folder that holds it. */
export const oneFile: Bench = {
  name: 'folders/one-file',
  about: '1 GiB in one file: within a snapshot, and by itself',
  needs: [],
  async run({ quick, runs = 5 }, report) {
    const size = quick ? 128 * MIB : GIB
    await Fleet.with(async (fleet) => {
      const [folder, target] = [fleet.world.path('source'), fleet.world.path('target')]
      const source = `${folder}/file`
      mkdirSync(folder)
      randomFile(source, size)
      await withPeer(fleet, async (seeder) => {
        await seeder.upload(source, 'file')
        await seeder.upload(folder, 'snapshot')
        const fetched = (name: string, result: string) => (): Promise<number> =>
          withPeer(fleet, async (leecher) => {
            const { seconds, bytesFetched } = await leecher.download(name, target)
            if (bytesFetched < size) throw new Error(`${bytesFetched} bytes fetched of ${size}`)
            mustBeSame(source, result)
            rmSync(target, { recursive: true })
            return seconds
          })
        const seconds = await interleaved(quick ? 1 : runs, {
          file: fetched('file', target),
          snapshot: fetched('snapshot', `${target}/file`),
        })
        const rate = (name: keyof typeof seconds): number => size / MIB / median(seconds[name])
        for (const name of ['file', 'snapshot'] as const)
          report({
            what: name,
            value: rounded(rate(name)),
            unit: 'MiB/s',
            detail: { seconds: seconds[name] },
          })
        const value = rounded(rate('snapshot') / rate('file'))
        report({ what: 'snapshot over file', value, unit: '×', target: { atLeast: 0.97 } })
      })
    })
  },
}
