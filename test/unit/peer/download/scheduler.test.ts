import fc from 'fast-check'
import { Pace } from '../../../../peer/download/pace.ts'
import { Picker } from '../../../../peer/download/picker.ts'
import { type Choice, Scheduler } from '../../../../peer/download/scheduler.ts'
import { Bitmap } from '../../../../protocol/bitmap.ts'

type Step =
  | { do: 'join'; peer: number; chunks: number[] | 'all' }
  | { do: 'leave' | 'learn' | 'await'; peer: number; chunk: number }
  | { do: 'answer' | 'fail' | 'half'; which: number }
  | { do: 'wait'; ms: number }

const PEERS = 7

/** A swarm without sockets or clocks: the real scheduler and picker, and peers that do as a test says. */
class World {
  readonly have: Bitmap
  readonly picker: Picker
  readonly scheduler: Scheduler
  readonly holds = new Map<string, Bitmap>()
  readonly paces = new Map<string, Pace>()
  underway: Choice[] = []
  now = 0

  constructor(size: number, random: () => number, sequential: boolean) {
    this.have = new Bitmap(size)
    this.picker = new Picker({ have: this.have, random, sequential })
    this.scheduler = new Scheduler(this.picker)
  }

  join(peer: string, chunks: number[] | 'all'): void {
    this.leave(peer)
    const size = this.have.size
    const make = (): Bitmap => {
      const held = chunks === 'all' ? Bitmap.full(size) : new Bitmap(size)
      if (chunks !== 'all') for (const chunk of chunks) held.add(chunk % size)
      return held
    }
    this.holds.set(peer, make())
    const pace = this.paces.get(peer) ?? new Pace()
    this.paces.set(peer, pace)
    this.picker.addPeer(peer, make())
    this.scheduler.add(peer, pace)
  }

  leave(peer: string): void {
    this.holds.delete(peer)
    this.picker.removePeer(peer)
    this.scheduler.remove(peer)
    this.scheduler.wakeAll()
    this.underway = this.underway.filter((choice) => choice.peer !== peer)
  }

  /** Lets the scheduler choose, and checks each choice. */
  schedule(): void {
    for (const choice of this.scheduler.next(this.now)) {
      const { peer, extent } = choice
      for (let chunk = extent.first; chunk < extent.first + extent.count; chunk++) {
        expect(this.holds.get(peer)?.has(chunk)).toBe(true)
        expect(this.have.has(chunk)).toBe(false)
        const askedOf = this.underway.filter((other) => covers(other, chunk))
        // Twice at most, never of the same peer, and a second time only after patience with the first ran out.
        expect(askedOf.length).toBeLessThan(2)
        expect(askedOf.map((other) => other.peer)).not.toContain(peer)
        if (askedOf.length === 1) expect(this.now).toBeGreaterThanOrEqual(1000)
      }
      this.underway.push(choice)
    }
  }

  /** The extent comes in: all of it, or (`part`) only its first half before the connection breaks. */
  end(choice: Choice | undefined, part: 'whole' | 'half' | 'none'): void {
    if (!choice) return
    const { peer, extent } = choice
    this.underway.splice(this.underway.indexOf(choice), 1)
    const count = part === 'whole' ? extent.count : part === 'half' ? Math.floor(extent.count / 2) : 0
    for (let chunk = extent.first; chunk < extent.first + count; chunk++) {
      this.scheduler.heard(peer, this.now)
      this.picker.received(chunk)
    }
    if (part === 'whole') this.paces.get(peer)?.succeeded(extent.count * 2 ** 19, this.now - 100, this.now)
    this.scheduler.settled(peer, extent)
    if (part !== 'whole') this.leave(peer)
  }

  /** Time passes in ticks, as the download's. */
  wait(ms: number): void {
    for (const until = this.now + ms; this.now < until; this.now += 500) {
      this.scheduler.checkLate(this.now)
      this.schedule()
    }
  }

  play(step: Step): void {
    if (step.do === 'wait') this.wait(step.ms)
    else if ('which' in step)
      this.end(
        this.underway[step.which % Math.max(1, this.underway.length)],
        step.do === 'answer' ? 'whole' : step.do === 'half' ? 'half' : 'none',
      )
    else {
      const peer = `p${step.peer}`
      if (step.do === 'join') this.join(peer, step.chunks)
      else if (step.do === 'leave') this.leave(peer)
      else this.learn(peer, step.chunk % this.have.size, step.do === 'await')
    }
    this.schedule()
  }

  learn(peer: string, chunk: number, pending: boolean): void {
    const held = this.holds.get(peer)
    if (!held) return
    if (pending) this.picker.peerPending(peer, chunk)
    if (pending) return
    held.add(chunk)
    if (this.picker.peerHas(peer, chunk)) this.scheduler.wake(peer)
  }
}

const covers = ({ extent }: Choice, chunk: number): boolean =>
  chunk >= extent.first && chunk < extent.first + extent.count

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

/** Whether some peer that takes part holds something that is missing and asked of nobody. */
function isStarved(world: World): boolean {
  return [...world.holds].some(([, held]) =>
    [...Array(world.have.size).keys()].some(
      (chunk) =>
        held.has(chunk) && !world.have.has(chunk) && !world.underway.some((choice) => covers(choice, chunk)),
    ),
  )
}

test('whatever peers do, choices are right, and the download ends once one holder of all stays and answers', () => {
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
          // Nothing under way although something could be: only waiting for others' promises, and not for long.
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

test('a peer that holds something that is needed and free is asked for it in the same round', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.nat(59), { minLength: 1 }), { minLength: 1, maxLength: PEERS }),
      (holdings) => {
        const world = new World(60, Math.random, false)
        for (const [i, chunks] of holdings.entries()) world.join(`p${i}`, chunks)
        world.schedule()
        for (const [name, held] of world.holds) {
          const isBusy = world.underway.filter(({ peer }) => peer === name).length >= 2
          const free = [...Array(60).keys()].some(
            (i) => held.has(i) && !world.underway.some((choice) => covers(choice, i)),
          )
          expect(isBusy || !free).toBe(true)
        }
      },
    ),
  )
})

test('a peer that keeps this side waiting is helped out by another after a second, not before', () => {
  const world = new World(4, Math.random, false)
  world.join('slow', 'all')
  world.schedule()
  const asked = world.underway.length
  world.join('fast', 'all')
  world.schedule()
  for (let i = 0; i < 4; i++) {
    world.end(
      world.underway.find(({ peer }) => peer === 'fast'),
      'whole',
    )
    world.schedule()
  }
  expect(world.underway).toHaveLength(asked)
  world.wait(1000)
  expect(world.underway).toHaveLength(asked)
  world.wait(1000)
  expect(world.underway.filter(({ peer }) => peer === 'fast').length).toBeGreaterThan(0)
})

test('what peers promised to get and never got is asked of the seed, after a second of nothing else to do', () => {
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
  expect(world.underway.map(({ peer }) => peer)).toContain('seed')
})
