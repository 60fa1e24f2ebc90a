import { join } from 'node:path'
import { clientRequest } from '../../testkit/http.ts'
import { TrackerClient } from '../../tracker-client/client.ts'
import type { Bench } from '../lib/bench.ts'
import { withPinnedReplica } from '../lib/cores.ts'
import { Load, loadsInTurns, measurementsOf } from '../lib/wrk.ts'
import { announceAll, type Peer, peersOf, populate } from './population.ts'

const LOOKED_AT = 50

/** The requests that peers send while nothing changes. */
export const heartbeats: Bench = {
  name: 'heartbeats',
  about: 'heartbeats of 10,000 peers with 20 files each to one replica on one core',
  needs: ['wrk', 'taskset'],
  async run({ quick }, report) {
    await withPinnedReplica(async (url, fleet) => {
      const population = await populate(
        fleet,
        quick ? { users: 20, files: 100 } : { users: 1000, files: 1000 },
      )
      const peers = peersOf(population, quick ? 100 : 10_000, 20)
      const sequence = Date.now()
      await announceAll(url, peers, sequence)
      const requests = peers.map(({ token, announce: { peer } }) =>
        clientRequest(url, 'POST', `/v1/announce/${peer}/${sequence}`, { authorization: `Bearer ${token}` }),
      )
      const load = new Load(join(fleet.redis.folder, 'heartbeats'), url, requests)
      const { runs } = await loadsInTurns({ runs: load }, quick)
      await mustKnow(url, peers, sequence)
      for (const figure of measurementsOf('heartbeats', runs, { rate: 25_000 })) report(figure)
    })
  },
}

/**
 * Throws if a heartbeat no longer suffices for some peer, because then the measured ones were invalid too.
 */
async function mustKnow(url: string, peers: readonly Peer[], sequence: number): Promise<void> {
  for (const { token, announce } of peers.slice(0, LOOKED_AT)) {
    const { resync } = await new TrackerClient({ trackers: [url], token }).heartbeat(announce.peer, sequence)
    if (resync) throw new Error(`the tracker has forgotten the peer ${announce.peer}`)
  }
}
