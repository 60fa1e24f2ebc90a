import { backOff } from '../../../protocol/back-off.ts'

test('waits double from the first to the last, and chance spreads them from nothing to all', () => {
  const longest = [1, 2, 3, 4, 5, 2000].map((failures) => backOff(failures, 100, 1000, 0.999))
  expect(longest.map(Math.round)).toEqual([100, 200, 400, 799, 999, 999])
  expect(backOff(3, 100, 1000, 0.5)).toBe(200)
  expect(backOff(3, 100, 1000, 0)).toBe(0)
  expect(backOff(2000, 100, 1000)).toBe(1000)
})
