import { rmSync } from 'node:fs'
import { type Bench, median, rounded } from '../lib/bench.ts'
import { Fleet } from '../lib/fleet.ts'
import { withPeer } from './peers.ts'
import { mustBeSameTree } from './same-tree.ts'
import { evenTree, makeTree } from './trees.ts'

/** A snapshot has a million entries at most, folders among them. */
const ENTRIES = 1_000_000
const FOLDERS = 1000
const SEED = 1

/** The largest snapshot that there may be: every second file is empty, the others have 100 bytes. */
export const million: Bench = {
  name: 'folders/million',
  about: `${ENTRIES} entries: empty files and files of 100 bytes in ${FOLDERS} folders`,
  needs: [],
  async run({ quick, runs = 1 }, report) {
    const entries = quick ? ENTRIES / 100 : ENTRIES
    const shape = evenTree(entries - FOLDERS, FOLDERS, (i) => (i % 2 === 0 ? 0 : 100))
    const uploads: number[] = []
    const downloads: number[] = []
    const memory: Record<'serving' | 'fetching', number[]> = { serving: [], fetching: [] }
    await Fleet.with(async (fleet) => {
      const [source, target] = [fleet.world.path('source'), fleet.world.path('target')]
      makeTree(source, shape, SEED)
      for (let run = 0; run < (quick ? 1 : runs); run++) {
        const name = `tree${run}`
        await withPeer(fleet, async (seeder) => {
          uploads.push(await seeder.upload(source, name))
          await withPeer(fleet, async (leecher) => {
            downloads.push((await leecher.download(name, target)).command)
            memory.fetching.push(leecher.peakMemory)
          })
          memory.serving.push(seeder.peakMemory)
        })
        mustBeSameTree(source, target)
        rmSync(target, { recursive: true })
      }
    })
    const tell = (what: string, values: number[], unit: string): void =>
      report({
        what: `${entries} entries: ${what}`,
        value: rounded(median(values)),
        unit,
        detail: { runs: values },
      })
    tell('upload', uploads, 's')
    tell('download', downloads, 's')
    tell('memory of the fetching peer, at most', memory.fetching, 'MiB')
    tell('memory of the serving peer, at most', memory.serving, 'MiB')
  },
}
