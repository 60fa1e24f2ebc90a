import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { seededRandom } from '../../testkit/random.ts'
import { type Home, World } from '../../testkit/shoal.ts'
import { FULL, faultTest, HOOK_MS, SEED } from '../support/faults/faults.ts'

const FILES = 400
const RUNS = FULL ? 20 : 3
const world = new World()
const random = seededRandom(SEED)
let ada: Home
let bob: Home
beforeAll(async () => {
  await world.tracker()
  ;[ada, bob] = await world.users('ada', 'bob')
  await ada.ok('group create team')
  await ada.admit('team', bob)
  await ada.ok('peer start --detach')
}, HOOK_MS)
afterAll(() => world.close(), HOOK_MS)

/** Writes every file of the tree anew; all of them begin with `version`. */
function write(root: string, version: string): void {
  for (let i = 0; i < FILES; i++) {
    const folder = join(root, `d${i % 20}`)
    mkdirSync(folder, { recursive: true })
    const size = i % 50 === 0 ? 1_500_000 : 12_000
    writeFileSync(join(folder, `f${i}`), Buffer.concat([Buffer.from(version), randomBytes(size)]))
  }
}

/** The versions that the files of the folder begin with; each must be one of the two published contents. */
function versionsIn(folder: string, known: ReadonlyMap<string, readonly Buffer[]>): Set<string> {
  const versions = new Set<string>()
  for (const [path, contents] of known) {
    const file = join(folder, path)
    if (!existsSync(file)) continue
    const bytes = readFileSync(file)
    expect(contents.some((content) => content.equals(bytes))).toBe(true)
    versions.add(bytes.subarray(0, 2).toString())
  }
  return versions
}

const contentsOf = (root: string): Map<string, Buffer> =>
  new Map(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name)
        return [path.slice(root.length + 1), readFileSync(path)]
      }),
  )

faultTest(
  'a peer that is killed in the download of a snapshot leaves the old tree, none or the new one, and a re-run ends it',
  async () => {
    let refetched = 0
    for (let run = 0; run < RUNS; run++) {
      const name = `tree${run}`
      const root = join(ada.folder, name)
      const out = join(bob.folder, name)
      const publish = (): Promise<unknown> =>
        ada.ok(['peer', 'upload', root, '--group', 'team', '--as', name])
      write(root, 'v1')
      await publish()
      const first = contentsOf(root)
      const updates = run % 2 === 1
      if (updates) {
        await bob.ok(['peer', 'download', `team:${name}`, '-o', out])
        await bob.run('peer stop')
        write(root, 'v2')
        await publish()
      }
      const newest = contentsOf(root)
      const known = new Map([...newest].map(([path, bytes]) => [path, [first.get(path)!, bytes]]))
      const peer = await bob.start('peer start')
      const command = bob.spawn(['peer', 'download', `team:${name}`, '-o', out, '--max-down', '20MB'])
      await delay(random() * 1200)
      process.kill(Number(peer.ready.pid), 'SIGKILL')
      if (command.exitCode === null) await once(command, 'close')
      const versions = versionsIn(out, known)
      if (!updates && versions.size > 0) expect(contentsOf(out)).toEqual(newest)
      const again = await bob.start('peer start')
      const { files } = await bob.ok<{ files: { bytesFetched: number }[] }>([
        'peer',
        'download',
        `team:${name}`,
        '-o',
        out,
      ])
      refetched += files[0]!.bytesFetched
      expect(contentsOf(out)).toEqual(newest)
      expect(readdirSync(bob.folder).filter((entry) => entry.includes('shoal-part'))).toEqual([])
      await bob.ok('peer stop')
      await again.end()
    }
    return { runs: RUNS, 'fetched by the re-runs, MB': Math.round(refetched / 1e6) }
  },
  FULL ? 20 : 3,
)
