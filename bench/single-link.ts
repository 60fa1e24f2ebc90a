import { mkdirSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import { loadIdentity } from '../peer/wire/identity.ts'
import { MetalinkServer } from './lib/aria2.ts'
import { type Bench, interleaved, median, rounded } from './lib/bench.ts'
import { GIB, MIB, mustBeSame, randomFile } from './lib/files.ts'
import { Fleet } from './lib/fleet.ts'
import { makeTorrent, torrentPeer } from './lib/libtorrent.ts'
import { cleanly } from './lib/on-signal.ts'
import { pair } from './lib/pair.ts'
import { bareCopy } from './limit.ts'

const LOOPBACK = '127.0.0.1'

/** One file between two peers over loopback, in memory, compared with other programs and with bare Node. */
export const singleLink: Bench = {
  name: 'single-link',
  about: '1 GiB, one seeder to one leecher, loopback, tmpfs, verified',
  needs: ['nginx', 'aria2c', 'mktorrent', 'libtorrent'],
  async run({ quick }, report) {
    const size = quick ? 128 * MIB : GIB
    await Fleet.with(async (fleet) => {
      const { world } = fleet
      for (const folder of ['src', 'out']) mkdirSync(world.path(folder))
      const source = world.path('src', 'file')
      randomFile(source, size)
      await loadIdentity(world.path('limit'))
      const pem = world.path('limit', 'identity', 'peer.pem')
      const metalink = await MetalinkServer.start(world.path('nginx'), world.path('src'), 'file')
      const compare = async (): Promise<void> => {
        const [tls, plain] = [
          await pair(fleet, 'tls', size, []),
          await pair(fleet, 'plain', size, ['--no-tls']),
        ]
        const torrent = world.path('file.torrent')
        makeTorrent(source, torrent)
        const seconds = await interleaved(quick ? 1 : 5, {
          tls: () => tls([]),
          sequential: () => tls(['--sequential']),
          plain: () => plain([]),
          limit: () => bareCopy(source, world.path('out', 'copy')),
          'limit, TLS': () => bareCopy(source, world.path('out', 'copy'), pem),
          aria2: () => fetchMetalink(metalink, source, world.path('out', 'aria2')),
          libtorrent: () => fetchTorrent(torrent, world.path('src'), world.path('out', 'torrent')),
        })
        const rate = (name: keyof typeof seconds): number => size / MIB / median(seconds[name])
        const others = Math.max(rate('aria2'), rate('libtorrent'))
        for (const name of Object.keys(seconds) as (keyof typeof seconds)[])
          report({
            what: name,
            value: rounded(rate(name)),
            unit: 'MiB/s',
            detail: { seconds: seconds[name] },
          })
        const over = (what: string, value: number, atLeast?: number): void =>
          report({ what, value: rounded(value), unit: '×', ...(atLeast ? { target: { atLeast } } : {}) })
        over('TLS over the faster of libtorrent and aria2', rate('tls') / others, 1.7)
        over('no TLS over the faster of libtorrent and aria2', rate('plain') / others, 2)
        over('no TLS over a bare copy in Node', rate('plain') / rate('limit'), 0.85)
        over('TLS over a bare copy in Node, TLS', rate('tls') / rate('limit, TLS'))
        over('--sequential over the normal order, TLS', rate('sequential') / rate('tls'), 0.7)
      }
      await cleanly(compare, () => metalink.stop())
    })
  },
}

async function fetchMetalink(metalink: MetalinkServer, source: string, folder: string): Promise<number> {
  mkdirSync(folder)
  const begun = performance.now()
  metalink.fetch(folder)
  const seconds = (performance.now() - begun) / 1000
  mustBeSame(source, `${folder}/${basename(source)}`)
  rmSync(folder, { recursive: true })
  return seconds
}

async function fetchTorrent(torrent: string, source: string, folder: string): Promise<number> {
  mkdirSync(folder)
  const seed = torrentPeer('seed', { torrents: [torrent], folder: source, ip: LOOPBACK, port: 9301 })
  await seed.ready
  const leech = torrentPeer('leech', { torrents: [torrent], folder, ip: LOOPBACK, port: 9302 }, [
    `${LOOPBACK}:9301`,
  ])
  try {
    await leech.ready
    const start = performance.now()
    await leech.fetch()
    return (performance.now() - start) / 1000
  } finally {
    await Promise.all([leech.stop(), seed.stop()])
    rmSync(folder, { recursive: true })
  }
}
