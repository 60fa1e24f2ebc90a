import { rmSync } from 'node:fs'
import { mustBeSame, randomFile } from './files.ts'
import type { Fleet } from './fleet.ts'

/**
 * A seeder and a leecher with a file of their own, so that the leecher has nobody else, both started with
 * `words` by `program` (a path in the checkout; bin/shoal without it); a transfer between them, with the words
 * of the download, in seconds. The world has the folders src and out.
 */
export async function pair(
  fleet: Fleet,
  name: string,
  size: number,
  words: string[],
  program?: string,
): Promise<(options: string[]) => Promise<number>> {
  const source = fleet.world.path('src', name)
  const target = fleet.world.path('out', name)
  randomFile(source, size)
  for (const role of ['seeder', 'leecher']) fleet.world.home(`${role}-${name}`, program)
  const seeder = await fleet.peer(`seeder-${name}`, words)
  const leecher = await fleet.peer(`leecher-${name}`, words)
  await fleet.upload(seeder, source, name)
  return async (options) => {
    const { seconds, bytesFetched } = await fleet.download(leecher, name, target, options)
    if (bytesFetched !== size) throw new Error(`${bytesFetched} bytes fetched of ${size}`)
    mustBeSame(source, target)
    rmSync(target)
    return seconds
  }
}
