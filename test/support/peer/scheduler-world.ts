import { Pace } from '../../../peer/download/plan/pace.ts'
import { Picker } from '../../../peer/download/plan/picker.ts'
import { type Choice as ChoiceOf, type PeerSlot, Scheduler } from '../../../peer/download/plan/scheduler.ts'
import { Bitmap } from '../../../protocol/bitmap.ts'

type Choice = ChoiceOf<string>

/** A possible event in a swarm. */
export type Step =
  | { do: 'join'; peer: number; chunks: number[] | 'all' }
  | { do: 'leave' | 'learn' | 'await'; peer: number; chunk: number }
  | { do: 'answer' | 'fail' | 'half'; which: number }
  | { do: 'wait'; ms: number }

/** A swarm without sockets or clocks: the real scheduler and picker, and peers that a test controls. */
export class World {
  readonly have: Bitmap
  readonly picker: Picker
  readonly scheduler: Scheduler<string>
  readonly holds = new Map<string, Bitmap>()
  readonly paces = new Map<string, Pace>()
  readonly slots = new Map<string, PeerSlot<string>>()
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
    this.slots.set(peer, this.scheduler.add(peer, make(), pace))
  }

  leave(peer: string): void {
    this.holds.delete(peer)
    const slot = this.slots.get(peer)
    if (slot) this.scheduler.remove(slot)
    this.slots.delete(peer)
    this.underway = this.underway.filter(({ slot }) => slot.of !== peer)
  }

  /** Lets the scheduler choose, and checks each choice. */
  schedule(): void {
    for (;;) {
      const choice = this.scheduler.next(this.now)
      if (choice === null) return
      const { slot, extent } = choice
      const peer = slot.of
      for (let chunk = extent.first; chunk < extent.first + extent.count; chunk++) {
        expect(this.holds.get(peer)?.has(chunk)).toBe(true)
        expect(this.have.has(chunk)).toBe(false)
        const askedOf = this.underway.filter((other) => covers(other, chunk))
        // A chunk is requested at most twice, never from the same peer, and again only after the first peer
        // was too slow.
        expect(askedOf.length).toBeLessThan(2)
        expect(askedOf.map((other) => other.slot.of)).not.toContain(peer)
        if (askedOf.length === 1) expect(this.now).toBeGreaterThanOrEqual(1000)
      }
      this.underway.push(choice)
    }
  }

  /** Ends an extent: completely, or (`part`) after its first half because the connection broke. */
  end(choice: Choice | undefined, part: 'whole' | 'half' | 'none'): void {
    if (!choice) return
    const { slot, extent } = choice
    const peer = slot.of
    this.underway.splice(this.underway.indexOf(choice), 1)
    const count = part === 'whole' ? extent.count : part === 'half' ? Math.floor(extent.count / 2) : 0
    for (let chunk = extent.first; chunk < extent.first + count; chunk++) {
      this.scheduler.received(slot, chunk, this.now)
    }
    if (part === 'whole') this.paces.get(peer)?.succeeded(extent.count * 2 ** 19, this.now - 100, this.now)
    this.scheduler.settled(slot, extent)
    if (part !== 'whole') this.leave(peer)
  }

  /** Lets time pass in ticks, like a download. */
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
    const [held, slot] = [this.holds.get(peer), this.slots.get(peer)]
    if (!held || !slot) return
    if (pending) {
      this.scheduler.pending(slot, chunk)
      return
    }
    held.add(chunk)
    this.scheduler.learned(slot, chunk)
  }
}

export const covers = ({ extent }: Choice, chunk: number): boolean =>
  chunk >= extent.first && chunk < extent.first + extent.count

/** Whether some participating peer holds a missing chunk that nobody is fetching. */
export function isStarved(world: World): boolean {
  return [...world.holds].some(([, held]) =>
    [...Array(world.have.size).keys()].some(
      (chunk) =>
        held.has(chunk) && !world.have.has(chunk) && !world.underway.some((choice) => covers(choice, chunk)),
    ),
  )
}
