import type { CallBackFault } from '../../../../tracker/presence/call-back.ts'
import { type Candidate, Reachability } from '../../../../tracker/presence/reachability.ts'

const PEER = { peer: 'aa'.repeat(32), host: '10.0.0.1', port: 4000, tls: true, user: 'ada' }
const peer = (n: number): Candidate => ({ ...PEER, peer: n.toString(16).padStart(64, '0') })

/** Peers that listen at the ports in `open`. Counts every call-back. */
function world(open: ReadonlySet<number> = new Set(), isOwn = (_: string, __: number) => false) {
  const clock = { now: 1_790_000_000_000 }
  const dialled: number[] = []
  const told: [port: number, failures: number][] = []
  const reachability = new Reachability({
    isOwn,
    now: () => clock.now,
    onVerdict: ({ port }, failures) => void told.push([port, failures]),
    callBack: async ({ port }): Promise<CallBackFault | null> => {
      dialled.push(port)
      return open.has(port) ? null : 'unreachable'
    },
  })
  return { reachability, clock, dialled, told }
}

const MINUTE = 60_000

test('a reachable peer is called back once in ten minutes, and at once at a new address', async () => {
  const { reachability, clock, dialled, told } = world(new Set([4000, 4001]))
  expect(await reachability.check(PEER, PEER.peer)).toBe(true)
  expect(reachability.isProven(PEER, PEER.peer)).toBe(true)
  clock.now += 9 * MINUTE
  expect(reachability.check(PEER, PEER.peer)).toBeNull()
  clock.now += 2 * MINUTE
  expect(await reachability.check(PEER, PEER.peer)).toBe(true)
  const moved = { ...PEER, port: 4001 }
  expect(reachability.isProven(moved, PEER.peer)).toBe(false)
  expect(await reachability.check(moved, PEER.peer)).toBe(true)
  expect(dialled).toEqual([4000, 4000, 4001])
  expect(told.map(([, failures]) => failures)).toEqual([0, 0, 0])
})

test('after a failure no port of the peer is tried during a pause that doubles up to five minutes', async () => {
  const { reachability, clock, told } = world()
  const start = clock.now
  const tries: number[] = []
  for (; clock.now < start + 30 * MINUTE; clock.now += 1000) {
    const check = reachability.check({ ...PEER, port: 5000 + tries.length }, PEER.peer)
    if (!check) continue
    expect(await check).toBe(false)
    tries.push((clock.now - start) / 1000)
  }
  expect(tries).toEqual([0, 2, 6, 14, 30, 62, 126, 254, 510, 810, 1110, 1410, 1710])
  expect(told.at(-1)).toEqual([5012, 13])
  expect(reachability.fault({ ...PEER, port: 5012 }, PEER.peer)).toBe('unreachable')
  expect(reachability.fault({ ...PEER, port: 4000 }, PEER.peer)).toBeNull()
})

test('a user with many keys gets twenty failed call-backs per minute, and other users are not affected', async () => {
  const { reachability, clock, dialled } = world()
  for (let n = 0; n < 100; n++) await reachability.check(peer(n), peer(n).peer)
  expect(dialled).toHaveLength(20)
  expect(await reachability.check({ ...peer(100), user: 'bob' }, peer(100).peer)).toBe(false)
  clock.now += MINUTE
  expect(await reachability.check(peer(101), peer(101).peer)).toBe(false)
  expect(dialled).toHaveLength(22)
})

test('a check during a call-back waits for it, and the tracker never calls itself back', async () => {
  const { reachability, dialled } = world(new Set([4000]), (_, port) => port === 7000)
  const [first, second] = [0, 1].map(() => reachability.check(PEER, PEER.peer))
  expect(second).toBe(first)
  expect(await first).toBe(true)
  const own = { ...peer(1), port: 7000 }
  expect(await reachability.check(own, own.peer)).toBe(false)
  expect(reachability.fault(own, own.peer)).toBe('wrong certificate')
  expect(dialled).toEqual([4000])
})

test('another replica’s result is trusted for at most ten minutes', async () => {
  const { reachability, clock, dialled } = world(new Set([4000]))
  const found = { ...PEER, reachable: true }
  expect(reachability.check(found, PEER.peer)).toBeNull()
  expect(reachability.isProven(PEER, PEER.peer)).toBe(true)
  expect(dialled).toEqual([])
  clock.now += 10 * MINUTE
  expect(await reachability.check(found, PEER.peer)).toBe(true)
  expect(dialled).toEqual([4000])
})
