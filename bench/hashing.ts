import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { HashPool } from '../peer/hash/pool.ts'
import { type Bench, interleaved, median, rounded } from './lib/bench.ts'
import { GIB, MIB, memoryFolder, randomFile, withFolder } from './lib/files.ts'

/** Hashing for an upload, on all cores, against the standard tool. */
export const hashing: Bench = {
  name: 'hashing',
  about: 'chunk hashes of 4 GiB in the page cache, against sha256sum',
  needs: ['sha256sum'],
  async run({ quick }, report) {
    const size = quick ? 256 * MIB : 4 * GIB
    await withFolder(memoryFolder(), async (folder) => {
      const file = join(folder, 'file')
      randomFile(file, size)
      const pool = new HashPool()
      try {
        const seconds = await interleaved(quick ? 1 : 5, {
          shoal: () => timed(() => pool.hash(file, size)),
          sha256sum: () => timed(async () => void execFileSync('sha256sum', [file])),
        })
        const ratio = median(seconds.sha256sum) / median(seconds.shoal)
        const rate = (name: 'shoal' | 'sha256sum'): number => rounded(size / MIB / median(seconds[name]))
        report({ what: 'Shoal', value: rate('shoal'), unit: 'MiB/s', detail: { seconds: seconds.shoal } })
        report({
          what: 'sha256sum',
          value: rate('sha256sum'),
          unit: 'MiB/s',
          detail: { seconds: seconds.sha256sum },
        })
        report({ what: 'Shoal over sha256sum', value: rounded(ratio), unit: '×', target: { atLeast: 1.7 } })
      } finally {
        await pool.close()
      }
    })
  },
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await act()
  return (performance.now() - begun) / 1000
}
