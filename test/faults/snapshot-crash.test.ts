import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sha256 } from '../../protocol/merkle.ts'
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

/** How many of the files are in the folder. Each must have one of its published contents. */
function filesIn(folder: string, known: ReadonlyMap<string, readonly string[]>): number {
  let count = 0
  for (const [path, contents] of known) {
    const file = join(folder, path)
    if (!existsSync(file)) continue
    expect(contents).toContain(hashOf(file))
    count++
  }
  return count
}

const hashOf = (file: string): string => sha256(readFileSync(file)).toString('hex')

/** SHA-256 of each file, by path. */
const contentsOf = (root: string): Map<string, string> =>
  new Map(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name)
        return [path.slice(root.length + 1), hashOf(path)]
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
      const known = new Map([...newest].map(([path, hash]) => [path, [first.get(path)!, hash]]))
      const peer = await bob.start('peer start')
      const command = bob.spawn(['peer', 'download', `team:${name}`, '-o', out, '--max-down', '20MB'])
      await delay(random() * 1200)
      process.kill(Number(peer.ready.pid), 'SIGKILL')
      if (command.exitCode === null) await once(command, 'close')
      // A command that connects only after the kill starts a peer in the background.
      await bob.run('peer stop')
      // A first download is there whole, or not at all.
      const count = filesIn(out, known)
      expect(updates ? [FILES] : [0, FILES]).toContain(count)
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
