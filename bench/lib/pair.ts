import { rmSync } from 'node:fs'
import { mustBeSame, randomFile } from './files.ts'
import type { Fleet } from './fleet.ts'

/**
 * Starts a seeder and a leecher with a file of their own, so that the leecher has only that seeder. `words`
 * go to `peer start`, `program` is a path in the checkout (default bin/shoal). Returns a function that
 * downloads with the given options and resolves to seconds. The world must have the folders src and out.
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
