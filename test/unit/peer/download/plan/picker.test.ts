import fc from 'fast-check'
import { Picker, type PickerPeer } from '../../../../../peer/download/plan/picker.ts'
import { Bitmap } from '../../../../../protocol/bitmap.ts'
import type { Extent } from '../../../../../protocol/chunking.ts'

const bitmap = (size: number, chunks: Iterable<number>): Bitmap => {
  const set = new Bitmap(size)
  for (const chunk of chunks) set.add(chunk)
  return set
}
const chunksOf = ({ first, count }: Extent): number[] => Array.from({ length: count }, (_, i) => first + i)
type Options = { sequential?: boolean; random?: () => number }

/** A picker whose peers have names, also after they are removed. */
class NamedPicker {
  readonly #picker: Picker
  readonly #peers = new Map<string, PickerPeer>()

  constructor(have: Bitmap, options: Options) {
    this.#picker = new Picker({ have, random: Math.random, sequential: false, ...options })
  }

  get sparesSeeds(): boolean {
    return this.#picker.sparesSeeds
  }

  addPeer = (name: string, have: Bitmap): void => void this.#peers.set(name, this.#picker.addPeer(have))
  removePeer = (name: string): void => this.#picker.removePeer(this.peer(name))
  pick = (name: string, limit: number): Extent | null => this.#picker.pick(this.peer(name), limit)
  get isCrowded(): boolean {
    return this.#picker.isCrowded
  }

  late = (name: string, extent: Extent): void => this.#picker.late(this.peer(name), extent)
  settled = (name: string, extent: Extent): void => this.#picker.settled(this.peer(name), extent)
  peerHas = (name: string, chunk: number): boolean => this.#picker.peerHas(this.peer(name), chunk)
  peerPending = (name: string, chunk: number): void => this.#picker.peerPending(this.peer(name), chunk)
  snub = (name: string, snubbed: boolean): void => this.#picker.snub(this.peer(name), snubbed)
  forgetPending = (): void => this.#picker.forgetPending()
  received = (chunk: number): boolean => this.#picker.received(chunk)
  peer = (name: string): PickerPeer => this.#peers.get(name)!
}

const picker = (have: Bitmap, options: Options = {}): NamedPicker => new NamedPicker(have, options)
/** Requests from the peer, `limit` chunks at a time, until nothing is left. Returns the chunks. */
function drain(from: NamedPicker, peer: string, limit = 1): number[] {
  const asked: number[] = []
  for (let extent = from.pick(peer, limit); extent; extent = from.pick(peer, limit))
    asked.push(...chunksOf(extent))
  return asked
}
const inOrder = (chunks: number[]): number[] => chunks.toSorted((a, b) => a - b)
const all = (size: number): number[] => [...Array(size).keys()]

const subset = (size: number): fc.Arbitrary<number[]> => fc.uniqueArray(fc.nat(size - 1), { maxLength: size })

test('a peer is asked only for missing chunks that it holds, each once, in extents within the limit', () => {
  fc.assert(
    fc.property(
      subset(100),
      subset(100),
      fc.integer({ min: 1, max: 32 }),
      fc.boolean(),
      (mine, its, limit, sequential) => {
        const p = picker(bitmap(100, mine), { sequential })
        p.addPeer('a', bitmap(100, its))
        const wanted = inOrder(its.filter((chunk) => !mine.includes(chunk)))
        const asked: number[] = []
        for (let extent = p.pick('a', limit); extent; extent = p.pick('a', limit)) {
          expect(extent.count).toBeLessThanOrEqual(limit)
          asked.push(...chunksOf(extent))
          // Sequential reading continues as chunks arrive.
          if (sequential) for (const chunk of chunksOf(extent)) p.received(chunk)
        }
        if (!sequential) expect(inOrder(asked)).toEqual(wanted)
        expect(new Set(asked).size).toBe(asked.length)
        expect(wanted).toEqual(expect.arrayContaining(asked))
      },
    ),
  )
})

test('a fast peer is asked for whole blocks, wherever they start, until the whole file is requested', () => {
  for (const limit of [16, 20, 32]) {
    const block = limit === 32 ? 32 : 16
    const all = picker(new Bitmap(100))
    all.addPeer('seed', bitmap(100, Array(100).keys()))
    const extents: Extent[] = []
    for (let extent = all.pick('seed', limit); extent; extent = all.pick('seed', limit)) extents.push(extent)
    const firsts = extents.map(({ first }) => first).sort((a, b) => a - b)
    expect(firsts).toEqual(Array.from({ length: Math.ceil(100 / block) }, (_, i) => i * block))
    expect(extents.reduce((sum, { count }) => sum + count, 0)).toBe(100)
  }
})

test('no chunk is requested from two peers while neither is late', () => {
  fc.assert(
    fc.property(subset(60), subset(60), fc.array(fc.boolean(), { minLength: 1 }), (a, b, turns) => {
      const p = picker(new Bitmap(60))
      p.addPeer('a', bitmap(60, a))
      p.addPeer('b', bitmap(60, b))
      const asked = turns.flatMap((turn) => {
        const extent = p.pick(turn ? 'a' : 'b', 4)
        return extent ? chunksOf(extent) : []
      })
      asked.push(...drain(p, 'a', 4), ...drain(p, 'b', 4))
      expect(inOrder(asked)).toEqual(inOrder([...new Set([...a, ...b])]))
    }),
  )
})

test('a late chunk is requested from one more peer, not from a third or the same one', () => {
  const p = picker(new Bitmap(8))
  for (const peer of ['a', 'b', 'c']) p.addPeer(peer, Bitmap.full(8))
  expect(inOrder(drain(p, 'a'))).toEqual(all(8))
  expect(p.pick('b', 8)).toBeNull()
  p.late('a', { first: 0, count: 8 })
  expect(p.pick('a', 8)).toBeNull()
  expect(inOrder(drain(p, 'b'))).toEqual(all(8))
  expect(p.pick('c', 8)).toBeNull()
  p.received(3)
  p.settled('b', { first: 3, count: 1 })
  expect(p.pick('c', 8)).toBeNull()
})

test('sequential picking requests chunks in order, a little ahead, and continues as they arrive', () => {
  const p = picker(bitmap(200, [0, 1, 5]), { sequential: true })
  p.addPeer('a', Bitmap.full(200))
  const asked = drain(p, 'a')
  expect(asked).toEqual(all(66).filter((chunk) => ![0, 1, 5].includes(chunk)))
  p.received(2)
  p.received(3)
  expect(drain(p, 'a')).toEqual([66, 67])
})

test('the rarest chunk is picked first', () => {
  fc.assert(
    fc.property(fc.noShrink(fc.nat()), (seed) => {
      const p = picker(new Bitmap(30), { random: lcg(seed) })
      p.addPeer('a', bitmap(30, all(29)))
      p.addPeer('b', bitmap(30, [...all(15), 29]))
      p.addPeer('c', bitmap(30, [...all(10), 29]))
      expect(p.pick('a', 1)?.first).toBeGreaterThanOrEqual(15)
      // No later chunk of its extent is more common than the first.
      const extent = p.pick('a', 30)!
      expect(extent.first).toBeGreaterThanOrEqual(15)
      expect(extent.first + extent.count).toBeLessThanOrEqual(29)
    }),
  )
})

test('the choice among equally rare chunks is random', () => {
  const firsts = new Set<number>()
  for (let seed = 0; seed < 300; seed++) {
    const p = picker(new Bitmap(40), { random: lcg(seed * 7919) })
    p.addPeer('a', Bitmap.full(40))
    firsts.add(p.pick('a', 1)!.first)
  }
  expect(firsts.size).toBe(40)
})

test('with many partial peers, seeds are asked only for chunks that none of them holds or is fetching', () => {
  const p = picker(new Bitmap(40))
  p.addPeer('seed', Bitmap.full(40))
  for (const [i, peer] of ['a', 'b', 'c'].entries())
    p.addPeer(peer, bitmap(40, all(10 * (i + 1)).slice(10 * i)))
  p.peerPending('a', 39)
  expect(inOrder(drain(p, 'seed'))).toEqual(all(39).slice(30))
  // The holder is gone or too slow to count, so the seed is asked.
  p.removePeer('a')
  p.addPeer('d', bitmap(40, [0]))
  expect(inOrder(drain(p, 'seed'))).toEqual([...all(10).slice(1), 39])
  p.snub('b', true)
  p.addPeer('e', bitmap(40, [0]))
  expect(inOrder(drain(p, 'seed'))).toEqual(all(20).slice(10))
})

test('a spared seed is asked for contiguous ranges with random starts', () => {
  const p = picker(new Bitmap(64), { random: lcg(5) })
  p.addPeer('seed', Bitmap.full(64))
  for (const peer of ['a', 'b', 'c']) p.addPeer(peer, bitmap(64, [0]))
  const asked = drain(p, 'seed')
  expect(inOrder(asked)).toEqual(all(64).slice(1))
  const jumps = asked.filter((chunk, i) => i > 0 && chunk !== asked[i - 1]! + 1)
  expect(jumps.length).toBeLessThan(16)
})

test('a peer that became complete during the download is not spared like a seed', () => {
  const p = picker(new Bitmap(8))
  p.addPeer('seed', Bitmap.full(8))
  for (const peer of ['a', 'b', 'c']) p.addPeer(peer, bitmap(8, [0, 1, 2, 3, 4, 5, 6]))
  expect(p.peerHas('a', 7)).toBe(true)
  expect(drain(p, 'seed')).toEqual([])
  expect(inOrder(drain(p, 'a'))).toEqual(all(8))
})

test('with few partial peers all uplinks are used, including those of seeds', () => {
  const p = picker(new Bitmap(20))
  p.addPeer('seed', Bitmap.full(20))
  for (const peer of ['a', 'b']) p.addPeer(peer, bitmap(20, all(10)))
  expect(inOrder(drain(p, 'seed'))).toEqual(all(20))
})

test('seeds are spared only while each has several partial peers', () => {
  const p = picker(new Bitmap(20))
  for (const peer of ['a', 'b', 'c']) p.addPeer(peer, bitmap(20, all(10)))
  p.addPeer('seed', Bitmap.full(20))
  expect(p.sparesSeeds).toBe(true)
  p.addPeer('another', Bitmap.full(20))
  expect(p.sparesSeeds).toBe(false)
  expect(inOrder(drain(p, 'another'))).toEqual(all(20))
  p.removePeer('another')
  expect(p.sparesSeeds).toBe(true)
})

test('the seed is asked for a claimed chunk that never arrived, once the claim expires', () => {
  const p = picker(new Bitmap(20))
  p.addPeer('seed', Bitmap.full(20))
  for (const peer of ['a', 'b', 'c']) p.addPeer(peer, bitmap(20, [0]))
  for (const chunk of all(20)) p.peerPending('a', chunk)
  expect(drain(p, 'a')).toEqual([0])
  expect(drain(p, 'seed')).toEqual([])
  p.forgetPending()
  p.peerHas('a', 7)
  expect(inOrder(drain(p, 'seed'))).toEqual(all(20).filter((chunk) => chunk !== 0 && chunk !== 7))
})

test('a seed is not asked for chunks that others request from it, until it is too slow or gone', () => {
  const p = picker(new Bitmap(20))
  p.addPeer('seed', Bitmap.full(20))
  p.addPeer('other', Bitmap.full(20))
  for (const peer of ['a', 'b', 'c', 'd', 'e', 'f']) p.addPeer(peer, bitmap(20, [0]))
  for (const chunk of [3, 4, 5, 99]) p.peerPending('seed', chunk)
  p.peerPending('other', 6)
  expect(inOrder(drain(p, 'seed'))).toEqual(
    all(20).filter((chunk) => chunk !== 0 && (chunk < 3 || chunk > 6)),
  )
  p.snub('seed', true)
  expect(inOrder(drain(p, 'other'))).toEqual([3, 4, 5])
  p.removePeer('other')
  p.snub('seed', false)
  p.removePeer('seed')
  p.addPeer('late', Bitmap.full(20))
  p.addPeer('late too', Bitmap.full(20))
  expect(inOrder(drain(p, 'late'))).toEqual(all(20).slice(1))
})

test('a seed’s report of this side’s own failed request does not prevent a new request', () => {
  const p = picker(new Bitmap(8))
  p.addPeer('seed', Bitmap.full(8))
  for (const peer of ['a', 'b', 'c']) p.addPeer(peer, bitmap(8, [0]))
  const extent = p.pick('seed', 1)!
  p.peerPending('seed', extent.first)
  p.settled('seed', extent)
  expect(inOrder(drain(p, 'seed'))).toEqual(all(8).slice(1))
})

test('a peer is trusted again only if its claims came true', () => {
  const p = picker(new Bitmap(20))
  for (const seed of ['liar', 'honest']) p.addPeer(seed, Bitmap.full(20))
  for (const peer of ['a', 'b', 'c', 'd', 'e', 'f']) p.addPeer(peer, bitmap(20, [0]))
  for (const chunk of all(20).slice(10)) p.peerPending('liar', chunk)
  p.peerPending('honest', 5)
  p.peerHas('a', 5)
  p.forgetPending()
  for (const chunk of all(20).slice(10)) p.peerPending('liar', chunk)
  p.peerPending('honest', 9)
  expect(inOrder(drain(p, 'honest'))).toEqual(all(20).filter((chunk) => ![0, 5, 9].includes(chunk)))
})

test('seeds are followed if each has a dozen other peers', () => {
  const p = picker(new Bitmap(20))
  for (let n = 0; n < 23; n++) p.addPeer(`p${n}`, new Bitmap(20))
  expect(p.isCrowded).toBe(false)
  p.addPeer('seed', Bitmap.full(20))
  expect(p.isCrowded).toBe(true)
  p.addPeer('another', Bitmap.full(20))
  expect(p.isCrowded).toBe(false)
  p.addPeer('p23', new Bitmap(20))
  expect(p.isCrowded).toBe(true)
})

test('a removed peer is not asked for anything, and reports about it have no effect', () => {
  const p = picker(new Bitmap(10))
  p.addPeer('a', Bitmap.full(10))
  p.pick('a', 10)
  p.removePeer('a')
  p.removePeer('a')
  expect(p.pick('a', 1)).toBeNull()
  for (const act of [
    () => p.settled('a', { first: 0, count: 10 }),
    () => p.peerHas('a', 1),
    () => p.peerPending('a', 99),
  ])
    act()
  p.addPeer('b', Bitmap.full(10))
  expect(inOrder(drain(p, 'b'))).toEqual(all(10))
})

function lcg(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
