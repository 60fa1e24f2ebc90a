import { ByteRate } from '../../../../peer/wire/byte-rate.ts'

test('a steady flow has its rate after a few seconds, and none some seconds after its end', () => {
  const rate = new ByteRate()
  for (let now = 10_000; now < 20_000; now += 10) rate.add(1000, now)
  expect(rate.at(20_000)).toBe(100_000)
  expect(rate.at(20_500)).toBeLessThan(100_000)
  expect(rate.at(25_000)).toBe(0)
  expect(rate.at(1e9)).toBe(0)
})

test('bytes of one moment are spread over the seconds before', () => {
  const rate = new ByteRate()
  expect(rate.at(0)).toBe(0)
  rate.add(4000, 100_500)
  expect(rate.at(100_500)).toBe(Math.round(4000 / 4.5))
  expect(rate.at(104_000)).toBe(1000)
})
