import fc from 'fast-check'
import { covers, isStarved, type Step, World } from '../../../../support/peer/scheduler-world.ts'

const PEERS = 7
const peer = fc.nat(PEERS - 1)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('join' as const),
      peer,
      chunks: fc.oneof(fc.constant('all' as const), fc.array(fc.nat(200))),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), peer, chunk: fc.constant(0) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('learn' as const, 'await' as const),
      peer,
      chunk: fc.nat(200),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('answer' as const, 'answer' as const, 'fail' as const, 'half' as const),
      which: fc.nat(50),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(500, 1500, 5000) }),
  },
)

test('whatever peers do, choices are valid, and the download ends if one complete peer stays and answers', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 120 }),
      fc.boolean(),
      fc.array(step, { maxLength: 150, size: 'max' }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
      (size, sequential, steps, stream) => {
        const world = new World(size, () => stream.next().value, sequential)
        for (const each of steps) world.play(each)
        world.join('origin', 'all')
        world.schedule()
        for (let round = 0; !world.have.isFull && round < 4 * size + 50; round++) {
          // If nothing runs although something could, it is waiting for claimed chunks, and not for long.
          if (world.underway.length === 0) world.wait(2000)
          expect(world.underway.length > 0 || !isStarved(world)).toBe(true)
          world.end(world.underway[0], 'whole')
          world.schedule()
        }
        expect(world.have.isFull).toBe(true)
        expect(world.picker.done).toBe(true)
      },
    ),
    { numRuns: 150 },
  )
})

test('a peer that holds a needed free chunk is asked for it in the same round', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.nat(59), { minLength: 1 }), { minLength: 1, maxLength: PEERS }),
      (holdings) => {
        const world = new World(60, Math.random, false)
        for (const [i, chunks] of holdings.entries()) world.join(`p${i}`, chunks)
        world.schedule()
        for (const [name, held] of world.holds) {
          const isBusy = world.underway.filter(({ slot }) => slot.of === name).length >= 1
          const free = [...Array(60).keys()].some(
            (i) => held.has(i) && !world.underway.some((choice) => covers(choice, i)),
          )
          expect(isBusy || !free).toBe(true)
        }
      },
    ),
  )
})

test('a late peer’s chunks are requested from another peer after a second, not before', () => {
  const world = new World(4, Math.random, false)
  world.join('slow', 'all')
  world.schedule()
  const asked = world.underway.length
  world.join('fast', 'all')
  world.schedule()
  for (let i = 0; i < 4; i++) {
    world.end(
      world.underway.find(({ slot }) => slot.of === 'fast'),
      'whole',
    )
    world.schedule()
  }
  expect(world.underway).toHaveLength(asked)
  world.wait(1000)
  expect(world.underway).toHaveLength(asked)
  world.wait(1000)
  expect(world.underway.filter(({ slot }) => slot.of === 'fast').length).toBeGreaterThan(0)
})

test('claimed chunks that never arrive are requested from the seed after an idle second', () => {
  const world = new World(30, Math.random, false)
  for (const name of ['a', 'b', 'c', 'd']) world.join(name, [0])
  for (let chunk = 1; chunk < 30; chunk++) world.learn('a', chunk, true)
  world.join('seed', 'all')
  world.schedule()
  while (world.underway.length > 0) {
    world.end(world.underway[0], 'whole')
    world.schedule()
  }
  expect(world.have.count).toBe(1)
  world.wait(1000)
  expect(world.underway).toEqual([])
  world.wait(1500)
  expect(world.underway.map(({ slot }) => slot.of)).toContain('seed')
})

test('a seed that reports every chunk as requested by others delays the download by one second, not one per chunk', () => {
  const world = new World(30, Math.random, false)
  const lie = (): void => {
    for (let chunk = 1; chunk < 30; chunk++) world.learn('liar', chunk, true)
  }
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) world.join(name, [0])
  for (const name of ['liar', 'seed']) world.join(name, 'all')
  lie()
  const waits: number[] = []
  world.schedule()
  while (!world.have.isFull && waits.length < 30) {
    if (world.underway.length === 0) {
      waits.push(world.now)
      world.wait(2000)
    }
    world.end(world.underway[0], 'whole')
    lie()
    world.schedule()
  }
  expect(world.have.isFull).toBe(true)
  expect(waits).toHaveLength(1)
})

test('a new peer is asked for one extent, and for two once that has arrived', () => {
  const world = new World(100, Math.random, false)
  world.join('seed', 'all')
  world.schedule()
  expect(world.underway).toHaveLength(1)
  world.end(world.underway[0], 'whole')
  world.schedule()
  expect(world.underway).toHaveLength(2)
})

test('in a large swarm few chunks are in flight, and a spared seed is asked first, for one chunk', () => {
  const world = new World(300, Math.random, false)
  for (let n = 0; n < 40; n++) world.join(`p${n}`, [n, n + 40, n + 80])
  world.join('seed', 'all')
  world.schedule()
  expect(world.underway).toHaveLength(16)
  expect(world.underway[0]?.slot.of).toBe('seed')
  expect(world.underway[0]?.extent.first).toBeGreaterThanOrEqual(120)
  expect(world.underway.filter(({ slot }) => slot.of === 'seed')).toHaveLength(1)
})

test('a late peer’s pending chunks do not keep other peers from being asked', () => {
  const world = new World(400, Math.random, false)
  for (let n = 0; n < 20; n++) world.join(`p${n}`, 'all')
  world.schedule()
  const silent = world.underway.length
  world.wait(1500)
  expect(world.underway.length).toBeGreaterThan(silent)
})
