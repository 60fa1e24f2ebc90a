import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connectPeer } from '../../peer/control/client.ts'
import type { Home } from '../../testkit/shoal.ts'
import { memoryFolder, mustBeSame, randomFile, withFolder } from './files.ts'
import { Fleet, GROUP } from './fleet.ts'
import { makeTorrent, type TorrentPeer, torrentPeer } from './libtorrent.ts'
import type { Network } from './network.ts'

/** A file or folder that everybody fetches. */
export interface Payload {
  bytes: number
  make(path: string): void
  /** Throws if a copy differs. `by` says who made it: a torrent carries no times. */
  mustBeSame(source: string, copy: string, by: 'shoal' | 'libtorrent'): void
}

export interface SwarmCase {
  payload: Payload
  /**
   * Everybody fetches it before the clock starts, like peers in daily use, so that no code runs for the first time.
   */
  warmUp: Payload
  leechers: number
  /** Between the starts of two leechers. */
  everyMs: number
}

export interface SwarmResult {
  /** Seconds from the first leecher's start to the last one's finish. */
  last: number
  /** Bytes that the seeder's link sent in that time, including headers. */
  seederSent: number
}

const PORT = 7000

export const filePayload = (bytes: number): Payload => ({
  bytes,
  make: (path) => randomFile(path, bytes),
  mustBeSame,
})

/**
 * Host 0 seeds with Shoal and the others fetch. The peers already run and take requests on their control
 * sockets.
 */
export async function runShoal(net: Network, swarm: SwarmCase): Promise<SwarmResult> {
  const { payload, leechers } = swarm
  let result: SwarmResult | null = null
  await Fleet.with(
    async (fleet) => {
      const peers: Home[] = []
      for (let host = 0; host <= leechers; host++) {
        const words = ['--listen', `${net.address(host)}:0`]
        peers.push(await fleet.peer(`host${host}`, words, { under: net.on(host) }))
      }
      const [seeder, ...fetching] = peers as [Home, ...Home[]]
      const share = async (name: string, shared: Payload) => {
        const source = fleet.world.path(`source-${name}`)
        shared.make(source)
        await fleet.upload(seeder, source, name)
        const targets = fetching.map((_, i) => fleet.world.path(`target${i}-${name}`))
        const fetch = (i: number): Promise<void> => download(fetching[i]!, name, targets[i]!)
        return { source, targets, fetch }
      }
      const warmUp = await share('warm-up', swarm.warmUp)
      await Promise.all(fetching.map((_, i) => warmUp.fetch(i)))
      const { source, targets, fetch } = await share('payload', payload)
      result = await timed(net, swarm, fetch)
      for (const target of targets) payload.mustBeSame(source, target, 'shoal')
    },
    ['--listen', `${net.gateway}:0`],
  )
  return result!
}

/** Host 0 seeds with libtorrent and the others fetch. The sessions already run. */
export async function runTorrent(net: Network, swarm: SwarmCase): Promise<SwarmResult> {
  const { payload, leechers } = swarm
  return withFolder(memoryFolder(), async (folder) => {
    const source = join(folder, 'payload')
    const torrents: string[] = []
    for (const [name, shared] of Object.entries({ 'warm-up': swarm.warmUp, payload })) {
      shared.make(join(folder, name))
      torrents.push(join(folder, `${name}.torrent`))
      makeTorrent(join(folder, name), torrents.at(-1)!)
    }
    const at = (host: number, into: string) => ({ torrents, folder: into, ip: net.address(host), port: PORT })
    const everybody = Array.from({ length: leechers + 1 }, (_, host) => `${net.address(host)}:${PORT}`)
    const targets = Array.from({ length: leechers }, (_, i) => join(folder, `target${i}`))
    const started: TorrentPeer[] = []
    try {
      started.push(torrentPeer('seed', at(0, folder), [], net.on(0)))
      for (const [i, target] of targets.entries()) {
        mkdirSync(target)
        started.push(torrentPeer('leech', at(i + 1, target), everybody, net.on(i + 1)))
      }
      await Promise.all(started.map(({ ready }) => ready))
      await Promise.all(targets.map((_, i) => started[i + 1]!.fetch()))
      const result = await timed(net, swarm, (i) => started[i + 1]!.fetch())
      for (const target of targets) payload.mustBeSame(source, join(target, 'payload'), 'libtorrent')
      return result
    } finally {
      await Promise.all(started.map((peer) => peer.stop()))
    }
  })
}

/** Starts a fetch every `everyMs`. The clock runs from the first start to the last finish. */
async function timed(
  net: Network,
  { leechers, everyMs }: SwarmCase,
  fetch: (leecher: number) => Promise<void>,
): Promise<SwarmResult> {
  const before = net.sent(0)
  const start = performance.now()
  const one = async (leecher: number): Promise<void> => {
    await delay(leecher * everyMs)
    await fetch(leecher)
  }
  await Promise.all(Array.from({ length: leechers }, (_, leecher) => one(leecher)))
  return { last: (performance.now() - start) / 1000, seederSent: net.sent(0) - before }
}

/** Sends the request that `shoal peer download` sends to its home's peer. */
async function download(home: Home, name: string, output: string): Promise<void> {
  const peer = await connectPeer(home.folder)
  if (!peer) throw new Error(`no peer runs in ${home.folder}`)
  const request = {
    group: GROUP,
    name,
    output,
    sequential: false,
    maxDown: 0,
    maxUp: 0,
    waitMs: 60_000,
  }
  await peer.download(request, () => {}, new AbortController().signal)
}
