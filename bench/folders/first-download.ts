import { rmSync } from 'node:fs'
import { type Bench, interleaved, median, rounded } from '../lib/bench.ts'
import { Fleet } from '../lib/fleet.ts'
import type { Tool } from '../lib/tools.ts'
import { withPeer } from './peers.ts'
import { mustBeSameTree } from './same-tree.ts'
import { SshServer } from './ssh-server.ts'
import { type SyncthingRun, syncthing } from './syncthing.ts'
import { largeModules, makeTree, smallFiles, type Tree } from './trees.ts'

const SEED = 1
const OVER_RSYNC = { atMost: 0.9 }
const OVER_SYNCTHING = { atMost: 0.5 }

interface Case {
  name: string
  about: string
  tree(quick: boolean): Tree
  needs?: Tool[]
  /** Most MiB that a peer may take. */
  memory?: number
}

/** A folder that a home downloads for the first time. Its peer runs already, as a server for rsync does. */
function firstDownload({ name, about, tree, needs = [], memory }: Case): Bench {
  return {
    name,
    about,
    needs: ['rsync', 'ssh', 'sshd', ...needs],
    async run({ quick, runs = 5 }, report) {
      const peaks: Record<'fetching' | 'serving', number[]> = { fetching: [], serving: [] }
      const transfers: number[] = []
      const syncs: SyncthingRun[] = []
      const compared = (fleet: Fleet, server: SshServer) =>
        withPeer(fleet, async (seeder) => {
          const [source, target] = [fleet.world.path('source'), fleet.world.path('target')]
          makeTree(source, tree(quick), SEED)
          await seeder.upload(source, 'tree')
          const checked = async (seconds: Promise<number>): Promise<number> => {
            const result = await seconds
            mustBeSameTree(source, target, { except: ['.stfolder'] })
            rmSync(target, { recursive: true })
            return result
          }
          const shoal = (): Promise<number> =>
            withPeer(fleet, async (leecher) => {
              const { command, seconds } = await leecher.download('tree', target)
              transfers.push(seconds)
              peaks.fetching.push(leecher.peakMemory)
              return command
            })
          const sync = async (): Promise<number> => {
            const result = await syncthing(fleet.world.path('syncthing'), source, target)
            syncs.push(result)
            return result.seconds
          }
          const contenders: Record<string, () => Promise<number>> = {
            shoal: () => checked(shoal()),
            'rsync over ssh': () => checked(server.rsync(source, target)),
            ...(needs.includes('syncthing') ? { Syncthing: () => checked(sync()) } : {}),
          }
          const seconds = await interleaved(quick ? 1 : runs, contenders)
          peaks.serving.push(seeder.peakMemory)
          return seconds
        })
      await Fleet.with(async (fleet) => {
        const seconds = await SshServer.with(fleet.world.path('ssh'), (server) => compared(fleet, server))
        const medianOf = (who: string): number => median(seconds[who]!)
        for (const who of Object.keys(seconds)) {
          const detail = { seconds: seconds[who], ...(who === 'shoal' ? { transfers } : {}) }
          report({ what: who, value: rounded(medianOf(who)), unit: 's', detail })
        }
        const over = (who: string, target: { atMost: number }): void =>
          report({
            what: `shoal over ${who}`,
            value: rounded(medianOf('shoal') / medianOf(who)),
            unit: '×',
            target,
          })
        over('rsync over ssh', OVER_RSYNC)
        if (syncs.length > 0) {
          over('Syncthing', OVER_SYNCTHING)
          const connected = syncs.map(({ sinceConnected }) => sinceConnected)
          const detail = { seconds: connected }
          report({ what: 'Syncthing, once connected', value: rounded(median(connected)), unit: 's', detail })
        }
      })
      for (const role of ['fetching', 'serving'] as const)
        report({
          what: `memory of the ${role} peer, at most`,
          value: rounded(Math.max(...peaks[role])),
          unit: 'MiB',
          ...(memory === undefined ? {} : { target: { atMost: memory } }),
          detail: { runs: peaks[role] },
        })
    },
  }
}

export const small = firstDownload({
  name: 'folders/small',
  about: '5,000 files of 10 kB in 50 folders, first download',
  tree: smallFiles,
  needs: ['syncthing'],
})

export const modules = firstDownload({
  name: 'folders/modules',
  about: '40,000 files of 400 MB like a large node_modules, first download',
  tree: largeModules,
  memory: 250,
})
