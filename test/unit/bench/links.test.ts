import { Clock } from '../../../bench/simulate/clock.ts'
import { Downlink, Flow, Uplink } from '../../../bench/simulate/links.ts'

/** Seconds until each transfer arrives: [sender, receiver, bytes] over links of the given rates. */
function transfer(up: number[], down: number[], flows: [number, number, number][]): number[] {
  const clock = new Clock(0.001)
  const uplinks = up.map((rate) => new Uplink(clock, rate))
  const downlinks = down.map((rate) => new Downlink(rate))
  const ends: number[] = []
  for (const [i, [from, to, bytes]] of flows.entries()) {
    const happen = (): void => {
      ends[i] = clock.now
    }
    new Flow(uplinks[from]!, downlinks[to]!).send(bytes, { happen })
  }
  clock.run(() => false)
  return ends
}

const MB = 1e6
const close = (actual: number[], expected: number[]): void => {
  for (const [i, seconds] of expected.entries()) {
    expect(actual[i]).toBeGreaterThan(seconds * 0.98)
    expect(actual[i]).toBeLessThan(seconds * 1.03)
  }
}

test('one flow gets the lesser of the two rates', () => {
  close(transfer([10 * MB], [100 * MB], [[0, 0, 50 * MB]]), [5])
  close(transfer([100 * MB], [10 * MB], [[0, 0, 50 * MB]]), [5])
})

test('flows share an uplink and a downlink evenly', () => {
  const shared: [number, number, number][] = [
    [0, 0, 50 * MB],
    [0, 1, 50 * MB],
  ]
  close(transfer([10 * MB], [10 * MB, 10 * MB], shared), [10, 10])
  const joined = shared.map(([from, to, bytes]): [number, number, number] => [to, from, bytes])
  close(transfer([10 * MB, 10 * MB], [10 * MB], joined), [10, 10])
})

test('other receivers get the uplink share that a slow receiver cannot use', () => {
  // Max-min fair: 2 to the slow one, 8 to the fast one.
  const flows: [number, number, number][] = [
    [0, 0, 20 * MB],
    [0, 1, 80 * MB],
  ]
  close(transfer([10 * MB], [2 * MB, 100 * MB], flows), [10, 10])
})
