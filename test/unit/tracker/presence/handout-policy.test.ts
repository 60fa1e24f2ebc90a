import fc from 'fast-check'
import type { SwarmPeer } from '../../../../protocol/records.ts'
import { handOut, MAX_HANDOUT, subnetOf } from '../../../../tracker/presence/handout-policy.ts'

const peerAt = (host: string, complete: boolean, n: number): SwarmPeer => ({
  peer: n.toString(16).padStart(64, '0'),
  host,
  port: 4000,
  tls: true,
  complete,
})

const swarms = fc
  .array(
    fc.tuple(
      fc.constantFrom('10.0.0', '10.0.1', '192.168.7'),
      fc.integer({ min: 1, max: 254 }),
      fc.boolean(),
    ),
    {
      maxLength: 200,
    },
  )
  .map((items) => items.map(([net, host, complete], n) => peerAt(`${net}.${host}`, complete, n)))
const randoms = fc.integer({ min: 0, max: 999_999 }).map((seed) => {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
})
/** Whether seeds are plentiful, so that all of them may be named. */
const hasSeedsForAll = (swarm: SwarmPeer[]): boolean => {
  const seeds = swarm.filter(({ complete }) => complete).length
  return swarm.length - seeds <= 12 * seeds
}
const asker = { peer: 'f'.repeat(64), host: '10.0.0.9' }

test('a handout names distinct peers of the swarm, as many as there are up to MAX_HANDOUT', () => {
  fc.assert(
    fc.property(swarms.filter(hasSeedsForAll), randoms, (swarm, random) => {
      const given = handOut(swarm, asker, random)
      expect(given).toHaveLength(Math.min(swarm.length, MAX_HANDOUT))
      expect(new Set(given).size).toBe(given.length)
      expect(swarm).toEqual(expect.arrayContaining(given))
    }),
  )
})

test('a handout never names the asking peer', () => {
  fc.assert(
    fc.property(swarms, randoms, fc.nat(250), (swarm, random, n) => {
      const self = swarm[n % Math.max(1, swarm.length)]
      const given = handOut(swarm, { peer: self?.peer ?? asker.peer, host: asker.host }, random)
      expect(given).not.toContain(self)
    }),
  )
})

test('partial peers and seeds alternate, a partial peer first, while there are both', () => {
  fc.assert(
    fc.property(swarms.filter(hasSeedsForAll), randoms, (swarm, random) => {
      const given = handOut(swarm, asker, random).map((peer) => peer.complete)
      const seeds = swarm.filter((peer) => peer.complete).length
      const mixed = 2 * Math.min(seeds, swarm.length - seeds)
      given.slice(0, mixed).forEach((complete, i) => {
        expect(complete).toBe(i % 2 === 1)
      })
    }),
  )
})

test('of many peers that join a swarm of one seed, a few are sent to it, always including the first', () => {
  let state = 1
  const random = (): number => {
    state = (state * 48_271) % 0x7fff_ffff
    return state / 0x7fff_ffff
  }
  const seed = peerAt('10.0.9.1', true, 0)
  const sent = Array.from({ length: 1000 }, (_, n) => {
    const partial = Array.from({ length: n }, (_, i) => peerAt(`10.1.${i >> 8}.${i & 255}`, false, i + 1))
    return handOut([seed, ...partial], asker, random).includes(seed)
  })
  expect(sent.slice(0, 13)).not.toContain(false)
  const more = sent.slice(13).filter(Boolean).length
  expect(more).toBeGreaterThan(3)
  expect(more).toBeLessThan(40)
})

test('among seeds and among partial peers the asker’s subnet comes first', () => {
  fc.assert(
    fc.property(swarms, randoms, (swarm, random) => {
      const given = handOut(swarm, asker, random)
      for (const complete of [true, false]) {
        const near = given.filter((p) => p.complete === complete).map((p) => p.host.startsWith('10.0.0.'))
        expect(near).toEqual([...near].sort((a, b) => Number(b) - Number(a)))
      }
    }),
  )
})

test('each of a hundred equal seeds has the same chance to be named first', () => {
  const swarm = Array.from({ length: 100 }, (_, n) => peerAt('10.0.5.1', true, n))
  const first = new Set<string | undefined>()
  for (let step = 0; step < 100; step++) first.add(handOut(swarm, asker, () => (step + 0.5) / 100)[0]?.peer)
  expect(first.size).toBe(100)
})

test('addresses share a subnet by /24 (IPv4) or /64 (IPv6)', () => {
  expect(subnetOf('10.0.0.1')).toBe(subnetOf('10.0.0.254'))
  expect(subnetOf('10.0.0.1')).not.toBe(subnetOf('10.0.1.1'))
  expect(subnetOf('2001:db8:0:1::5')).toBe(subnetOf('2001:0db8:0000:0001:ffff::1'))
  expect(subnetOf('2001:db8:0:1::5')).not.toBe(subnetOf('2001:db8:0:2::5'))
  expect(subnetOf('fe80::1%eth0')).toBe(subnetOf('fe80::2'))
  expect(subnetOf('::1')).not.toBe(subnetOf('127.0.0.1'))
})
