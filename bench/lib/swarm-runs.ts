import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import type { Home } from '../../test/support/shoal.ts'
import { memoryFolder, mustBeSame, randomFile, withFolder } from './files.ts'
import { Fleet } from './fleet.ts'
import { makeTorrent, torrentPeer } from './libtorrent.ts'
import type { Network } from './network.ts'

export interface SwarmCase {
  /** Bytes. */
  size: number
  leechers: number
  /** Between two leechers' starts. */
  everyMs: number
}

export interface SwarmResult {
  /** Seconds from the first leecher's start to the last one's end. */
  last: number
  /** Bytes that left the seeder's link meanwhile, headers and all. */
  seederSent: number
}

const PORT = 7000

/** Host 0 seeds with Shoal, the others fetch. */
export async function runShoal(net: Network, { size, leechers, everyMs }: SwarmCase): Promise<SwarmResult> {
  let result: SwarmResult | null = null
  await Fleet.with(
    async (fleet) => {
      const source = fleet.world.path('source')
      randomFile(source, size)
      const peers: Home[] = []
      for (let host = 0; host <= leechers; host++) {
        const words = ['--listen', `${net.address(host)}:0`]
        peers.push(await fleet.peer(`host${host}`, words, { under: net.on(host) }))
      }
      const [seeder, ...fetching] = peers as [Home, ...Home[]]
      await fleet.upload(seeder, source, 'file')
      const before = net.sent(0)
      const times = await Promise.all(
        fetching.map(async (home, i) => {
          await delay(i * everyMs)
          return follow(fleet, home, fleet.world.path(`target${i}`))
        }),
      )
      result = { last: span(times), seederSent: net.sent(0) - before }
      for (const i of fetching.keys()) mustBeSame(source, fleet.world.path(`target${i}`))
    },
    ['--listen', `${net.gateway}:0`],
  )
  return result!
}

/** Host 0 seeds with libtorrent, the others fetch. */
export async function runTorrent(net: Network, { size, leechers, everyMs }: SwarmCase): Promise<SwarmResult> {
  return withFolder(memoryFolder(), async (folder) => {
    const source = join(folder, 'file')
    const torrent = join(folder, 'file.torrent')
    randomFile(source, size)
    makeTorrent(source, torrent)
    const at = (host: number, into: string) => ({ torrent, folder: into, ip: net.address(host), port: PORT })
    const everybody = Array.from({ length: leechers + 1 }, (_, host) => `${net.address(host)}:${PORT}`)
    const started = [torrentPeer('seed', at(0, folder), [], net.on(0))]
    try {
      await started[0]!.line
      const before = net.sent(0)
      const ends = await Promise.all(
        Array.from({ length: leechers }, async (_, i) => {
          const target = join(folder, `target${i}`)
          mkdirSync(target)
          await delay(i * everyMs)
          const peer = torrentPeer('leech', at(i + 1, target), everybody, net.on(i + 1))
          started.push(peer)
          const seconds = Number(await peer.line)
          mustBeSame(source, join(target, 'file'))
          return (i * everyMs) / 1000 + seconds
        }),
      )
      return { last: Math.max(...ends), seederSent: net.sent(0) - before }
    } finally {
      await Promise.all(started.map((peer) => peer.stop()))
    }
  })
}

interface Times {
  start: number
  done: number
}

/** Downloads and takes the times of the transfer's own first and last event, so that starting a command is left out. */
async function follow(fleet: Fleet, home: Home, target: string): Promise<Times> {
  const times: Times = { start: Number.NaN, done: Number.NaN }
  const child = home.spawn(fleet.downloadLine('file', target, ['--progress', 'ndjson']))
  child.stdin?.end()
  child.stdout?.resume()
  for await (const line of createInterface({ input: child.stderr! })) {
    const event = /^\{"event":"(start|done)"/.exec(line)?.[1] as keyof Times | undefined
    if (event) times[event] = performance.now()
  }
  if (Number.isNaN(times.done)) throw new Error(`a download to ${target} failed`)
  return times
}

const span = (times: readonly Times[]): number =>
  (Math.max(...times.map(({ done }) => done)) - Math.min(...times.map(({ start }) => start))) / 1000
