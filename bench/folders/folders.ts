import type { Bench } from '../lib/bench.ts'
import { modules, small } from './first-download.ts'
import { million } from './million.ts'
import { oneFile } from './one-file.ts'
import { swarm } from './swarm.ts'
import { upload } from './upload.ts'
import { unchanged, version } from './versions.ts'

/** Folders as snapshots, each row beside the programs that people would use instead. */
export const folders: readonly Bench[] = [small, upload, modules, oneFile, version, unchanged, swarm, million]
