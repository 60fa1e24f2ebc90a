import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseJournal } from '../../peer/download/disk/journal.ts'
import { chunkLength } from '../../protocol/chunking.ts'
import { sha256 } from '../../protocol/merkle.ts'
import { JOURNAL_SUFFIX } from '../../protocol/names.ts'
import { seededRandom } from '../../testkit/random.ts'
import { type Home, World } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'
import { FULL, faultTest, HOOK_MS, SEED } from '../support/faults/faults.ts'
import { FollowedDownload } from '../support/followed-download.ts'
import { contentsOf } from '../support/trees.ts'

const FILES = 400
const RUNS = FULL ? 20 : 4
const RATE = 16_000_000
/**
 * What is under way at a kill: two extents of each peer, a quarter of a second each, and what is written but not yet
 * synced and marked. A sync takes long on a busy disk.
 */
const WINDOW = RATE
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
    const size = i % 40 === 0 ? 1_500_000 : 12_000
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

interface Published {
  files: { fileId: string; size: number }[]
}

/** Bytes of the chunks that the journal of a killed download lists; 0 without a journal. */
function markedBytes(folder: string, { fileId, size }: { fileId: string; size: number }): number {
  const name = readdirSync(folder).find((entry) => entry.endsWith(JOURNAL_SUFFIX))
  const journal = name === undefined ? null : parseJournal(readFileSync(join(folder, name)), fileId, size)
  let bytes = 0
  for (let chunk = 0; journal && chunk < journal.marked.size; chunk++)
    if (journal.marked.has(chunk)) bytes += chunkLength(size, chunk)
  return bytes
}

/** Downloads, and kills the peer at a random point: while chunks come in, or while the files get their names. */
async function killedDownload(name: string, out: string): Promise<{ done: number; total: number }> {
  const peer = await bob.start('peer start')
  const download = new FollowedDownload(bob, `team:${name}`, '-o', out, '--max-down', `${RATE}`)
  const isLate = random() < 0.4
  const part = isLate ? 0.9 : random()
  await until(
    () => download.events.some(({ done, total }) => done !== undefined && done >= part * total!),
    20_000,
  )
  if (isLate) await delay(random() * 600)
  process.kill(Number(peer.ready.pid), 'SIGKILL')
  await download.end()
  await peer.end()
  const { done = 0, total = 0 } = download.events.findLast(({ total }) => total !== undefined) ?? {}
  return { done, total }
}

faultTest(
  'a peer that is killed in the download of a snapshot leaves the old tree, none or the new one, and a re-run fetches at most the window again',
  async () => {
    let refetched = 0
    let published = 0
    let mixed = 0
    for (let run = 0; run < RUNS; run++) {
      const name = `tree${run}`
      const root = join(ada.folder, name)
      const out = join(bob.folder, name)
      const publish = (): Promise<Published> =>
        ada.ok(['peer', 'upload', root, '--group', 'team', '--as', name])
      write(root, 'v1')
      let { files: uploaded } = await publish()
      const first = contentsOf(root)
      const updates = run % 2 === 1
      if (updates) {
        await bob.ok(['peer', 'download', `team:${name}`, '-o', out])
        await bob.run('peer stop')
        write(root, 'v2')
        ;({ files: uploaded } = await publish())
      }
      const newest = contentsOf(root)
      const known = new Map([...newest].map(([path, hash]) => [path, [first.get(path)!, hash]]))
      const { done, total } = await killedDownload(name, out)
      // A first download is there whole, or not at all; an update is the old or the new one file by file.
      const count = filesIn(out, known)
      expect(updates ? [FILES] : [0, FILES]).toContain(count)
      const fresh = [...newest].filter(([path, hash]) => count > 0 && hashOf(join(out, path)) === hash).length
      if (fresh === FILES) published++
      if (updates && fresh > 0 && fresh < FILES) mixed++
      const marked = markedBytes(bob.folder, uploaded[0]!)
      const again = await bob.start('peer start')
      const { files } = await bob.ok<{ files: { bytesFetched: number }[] }>([
        'peer',
        'download',
        `team:${name}`,
        '-o',
        out,
      ])
      const { bytesFetched } = files[0]!
      expect(bytesFetched).toBeLessThanOrEqual(total - marked)
      expect(bytesFetched).toBeLessThanOrEqual(total - done + WINDOW)
      refetched += Math.max(0, bytesFetched - (total - done))
      expect(contentsOf(out)).toEqual(newest)
      expect(readdirSync(bob.folder).filter((entry) => entry.includes('shoal-part'))).toEqual([])
      await bob.ok('peer stop')
      await again.end()
    }
    const figures = { 'fetched again a run, MB': Number((refetched / RUNS / 1e6).toFixed(1)) }
    return { runs: RUNS, 'published at the kill': published, 'in the middle of an update': mixed, ...figures }
  },
  FULL ? 20 : 3,
)
