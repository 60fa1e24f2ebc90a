import type { Bench } from './bench.ts'

/**
 * The benches that a command line names: each by its name, or all of a group. `rows`, separated by commas, leaves only
 * these rows of the groups. `faults` are sentences about names that do not exist.
 */
export function chooseBenches<B extends Pick<Bench, 'name'>>(
  benches: readonly B[],
  names: readonly string[],
  rows?: string,
): { chosen: B[]; faults: string[] } {
  const isNamed = ({ name }: B, by: string): boolean => name === by || name.startsWith(`${by}/`)
  const named = benches.filter((bench) => names.length === 0 || names.some((name) => isNamed(bench, name)))
  const faults = names
    .filter((name) => !benches.some((bench) => isNamed(bench, name)))
    .map((name) => `there is no bench ${name}`)
  if (rows === undefined) return { chosen: named, faults }
  const wanted = rows.split(',')
  const rowOf = ({ name }: B): string => name.split('/')[1] ?? ''
  const strange = wanted.filter((row) => row === '' || !named.some((bench) => rowOf(bench) === row))
  return {
    chosen: named.filter((bench) => wanted.includes(rowOf(bench))),
    faults: [
      ...faults,
      ...strange.map((row) => `the benches that are named have no row ${JSON.stringify(row)}`),
    ],
  }
}
