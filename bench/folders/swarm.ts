import type { Payload } from '../lib/swarm-runs.ts'
import { RATE, swarmBench } from '../swarm.ts'
import { mustBeSameTree } from './same-tree.ts'
import { evenTree, makeTree, smallFiles, type Tree } from './trees.ts'

const payload = (tree: Tree, seed: number): Payload => ({
  bytes: tree.bytes,
  make: (path) => makeTree(path, tree, seed),
  mustBeSame: (source, copy, by) => mustBeSameTree(source, copy, { times: by === 'shoal' }),
})

/** The swarm bench with a folder instead of a file. */
export const swarm = swarmBench({
  name: 'folders/swarm',
  about: '5,000 files of 10 kB, 1 seeder and 8 leechers at 100 Mbit/s each way, starting together',
  payload: (quick) => payload(smallFiles(quick), 1),
  warmUp: payload(evenTree(1000, 10, 20_000), 2),
  originRate: RATE,
  everyMs: 0,
  last: 1.2,
})
