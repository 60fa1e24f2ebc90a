import { join } from 'node:path'
import { clientRequest } from '../../testkit/http.ts'
import { packFiles, type Served } from '../../tracker-client/api/packed-files.ts'
import { type Bench, median, rounded } from '../lib/bench.ts'
import { withPinnedReplica } from '../lib/cores.ts'
import { GROWING, GROWING_DIGITS, Load, loadsInTurns, measurementsOf } from '../lib/wrk.ts'
import { bittorrentRequests, withBittorrentTracker } from './bittorrent.ts'
import { announceAll, type Peer, peersOf, populate } from './population.ts'

const FILES_A_PEER = 20

/** Full announces, which peers send when their set of files changes. */
export const announces: Bench = {
  name: 'announces',
  about: `announces of ${FILES_A_PEER} files to one replica on one core, compared with bittorrent-tracker's announces of one file`,
  needs: ['wrk', 'taskset', 'bittorrent-tracker'],
  async run({ quick }, report) {
    await withPinnedReplica(async (own, fleet) => {
      const population = await populate(
        fleet,
        quick ? { users: 20, files: 100 } : { users: 1000, files: 1000 },
      )
      const peers = peersOf(population, quick ? 100 : 10_000, FILES_A_PEER)
      const folder = fleet.redis.folder
      await announceAll(own, peers, Date.now())
      await withBittorrentTracker(async (theirs) => {
        const loads = {
          shoal: new Load(join(folder, 'announces'), own, turnsOf(own, peers)),
          bittorrent: new Load(join(folder, 'bittorrent'), theirs, bittorrentRequests(theirs, peers)),
        }
        const { shoal, bittorrent } = await loadsInTurns(loads, quick)
        const target = { rate: 15_000, p99: 10 }
        for (const figure of measurementsOf('announces of 20 files', shoal, target)) report(figure)
        for (const figure of measurementsOf('bittorrent-tracker, announces of one file', bittorrent))
          report(figure)
        const [ours = 0, its = 0] = [shoal, bittorrent].map((runs) => median(runs.map(({ rate }) => rate)))
        const ratio = rounded((FILES_A_PEER * ours) / its)
        report({ what: "file announces over bittorrent-tracker's", value: ratio, unit: '×' })
      })
    })
  },
}

/** Two rounds of announces. In each, one file of every peer changes between complete and partial. */
function turnsOf(url: string, peers: readonly Peer[]): string[] {
  return [true, false].flatMap((complete) =>
    peers.map(({ token, announce: { files, ...self } }) => {
      const [first, ...rest] = files
      const served = [{ ...(first as Served), complete }, ...rest]
      const body = { ...self, sequence: GROWING, files: packFiles(served) }
      const text = JSON.stringify(body).replace(JSON.stringify(GROWING), GROWING)
      const length = text.length - GROWING.length + GROWING_DIGITS
      return clientRequest(url, 'POST', '/v1/announce', bearer(token), { text, length })
    }),
  )
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
