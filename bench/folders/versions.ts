import { rmSync } from 'node:fs'
import { bytesOf } from '../../peer/tree/plan.ts'
import { TreeStore } from '../../peer/tree/tree-store.ts'
import { chunksOfEntries } from '../../protocol/tree/layout.ts'
import { findExact } from '../../protocol/tree/listing.ts'
import { type Bench, interleaved, median, rounded } from '../lib/bench.ts'
import { Fleet } from '../lib/fleet.ts'
import { type BenchPeer, withPeer } from './peers.ts'
import { mustBeSameTree } from './same-tree.ts'
import { localRsync } from './ssh-server.ts'
import { changeFiles, largeModules, makeTree } from './trees.ts'

const SEED = 1
const NAME = 'tree'
/** One file in so many changes between the versions. */
const CHANGED_ONE_IN = 100
/** Of the bytes, those that may be fetched beside the chunks that the changed files touch. */
const FETCHED = 0.015

/** The second version of a folder, into a folder that holds the first one. */
export const version: Bench = {
  name: 'folders/version',
  about: '40,000 files of 400 MB, of which 1 % changed, into a folder with the first version',
  needs: ['rsync'],
  async run({ quick, runs = 5 }, report) {
    const tree = largeModules(quick)
    await Fleet.with(async (fleet) => {
      const [first, second, target] = ['first', 'second', 'target'].map((name) => fleet.world.path(name)) as [
        string,
        string,
        string,
      ]
      makeTree(first, tree, SEED)
      await localRsync(first, second)
      const changed = changeFiles(second, tree, CHANGED_ONE_IN, SEED + 1)
      const fetched: number[] = []
      const touched: number[] = []
      const transfers: number[] = []
      const checked = async (work: Promise<number>): Promise<number> => {
        const seconds = await work
        mustBeSameTree(second, target)
        rmSync(target, { recursive: true })
        return seconds
      }
      const shoal = (): Promise<number> =>
        withPeer(fleet, async (leecher) => {
          await leecher.download(`${NAME}@1`, target)
          const result = await leecher.download(`${NAME}@2`, target)
          fetched.push(result.bytesFetched)
          touched.push(touchedBytes(leecher, result, changed))
          transfers.push(result.seconds)
          return result.command
        })
      const rsync = async (): Promise<number> => {
        await localRsync(first, target)
        return localRsync(second, target)
      }
      await withPeer(fleet, async (seeder) => {
        await seeder.upload(first, NAME)
        await seeder.upload(second, NAME)
        const seconds = await interleaved(quick ? 1 : runs, {
          shoal: () => checked(shoal()),
          rsync: () => checked(rsync()),
        })
        const bytes = median(fetched)
        const allowed = tree.bytes * FETCHED + touched[0]!
        const detail = { fetched, touched: touched[0], bytes: tree.bytes, files: changed.size }
        report({
          what: 'fetched of the bytes',
          value: rounded((bytes / tree.bytes) * 100),
          unit: '%',
          detail,
        })
        report({
          what: 'fetched of 1.5 % and the touched chunks',
          value: rounded(bytes / allowed),
          unit: '×',
          target: { atMost: 1 },
        })
        const shoalDetail = { seconds: seconds.shoal, transfers }
        report({ what: 'shoal', value: rounded(median(seconds.shoal)), unit: 's', detail: shoalDetail })
        const rsyncDetail = { seconds: seconds.rsync }
        report({ what: 'rsync -a', value: rounded(median(seconds.rsync)), unit: 's', detail: rsyncDetail })
        const value = rounded(median(seconds.shoal) / median(seconds.rsync))
        report({ what: 'shoal over rsync -a', value, unit: '×', target: { atMost: 3 } })
      })
    })
  },
}

/** Bytes of the chunks that hold contents of these paths. */
function touchedBytes(
  { home }: BenchPeer,
  { fileId, size }: { fileId: string; size: number },
  paths: ReadonlySet<string>,
): number {
  const known = new TreeStore(home.folder).load(fileId, size)
  if (known === null) throw new Error(`${home.folder} does not know the tree of ${fileId}`)
  const entries = [...paths].map((path) => findExact(known.index, path)!)
  return bytesOf(chunksOfEntries(known.index, entries), size)
}

/** A folder that did not change: download and upload have only to find that out. */
export const unchanged: Bench = {
  name: 'folders/unchanged',
  about: '40,000 files of 400 MB that did not change: download and upload again',
  needs: ['rsync'],
  async run({ quick, runs = 5 }, report) {
    await Fleet.with(async (fleet) => {
      const [source, target] = [fleet.world.path('source'), fleet.world.path('target')]
      makeTree(source, largeModules(quick), SEED)
      await withPeer(fleet, async (seeder) => {
        await seeder.upload(source, NAME)
        await withPeer(fleet, async (leecher) => {
          await leecher.download(NAME, target)
          const transfers: number[] = []
          const again = async (): Promise<number> => {
            const { command, seconds } = await leecher.download(NAME, target)
            transfers.push(seconds)
            return command
          }
          const seconds = await interleaved(quick ? 1 : runs, {
            download: again,
            upload: () => seeder.upload(source, NAME),
            'rsync -a': () => localRsync(source, target),
          })
          mustBeSameTree(source, target)
          const tell = (what: keyof typeof seconds, target?: { atMost: number }): void =>
            report({
              what,
              value: rounded(median(seconds[what])),
              unit: 's',
              ...(target ? { target } : {}),
              detail: { seconds: seconds[what], ...(what === 'download' ? { transfers } : {}) },
            })
          tell('download', { atMost: 1 })
          tell('upload', { atMost: 1 })
          tell('rsync -a')
        })
      })
    })
  },
}
