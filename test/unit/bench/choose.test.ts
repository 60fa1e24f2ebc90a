import { chooseBenches } from '../../../bench/lib/choose.ts'

const benches = ['startup', 'swarm', 'swarm-arrivals', 'folders/small', 'folders/upload'].map((name) => ({
  name,
}))
const chosen = (names: string[], rows?: string): string[] =>
  chooseBenches(benches, names, rows).chosen.map(({ name }) => name)

test('no name stands for all benches', () => {
  expect(chosen([])).toEqual(benches.map(({ name }) => name))
})

test('a name stands for one bench, and the name of a group for all its rows', () => {
  expect(chosen(['swarm'])).toEqual(['swarm'])
  expect(chosen(['folders'])).toEqual(['folders/small', 'folders/upload'])
  expect(chosen(['folders/upload', 'startup'])).toEqual(['startup', 'folders/upload'])
})

test('rows leave only these of a group', () => {
  expect(chosen(['folders'], 'upload')).toEqual(['folders/upload'])
  expect(chosen(['folders'], 'upload,small')).toEqual(['folders/small', 'folders/upload'])
})

test('unknown names and rows are named', () => {
  const { faults } = chooseBenches(benches, ['folders', 'speed'], 'small,large')
  expect(faults).toEqual(['there is no bench speed', 'the benches that are named have no row "large"'])
  expect(chooseBenches(benches, ['folders'], '').faults).toHaveLength(1)
})
