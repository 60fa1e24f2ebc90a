import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectPeer } from '../../peer/control/client.ts'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import type { ShoalError } from '../../protocol/errors.ts'
import { fileId } from '../../protocol/file-id.ts'
import { merkleRoot, sha256 } from '../../protocol/merkle.ts'
import { seededRandom } from '../../testkit/random.ts'
import { type Home, World } from '../../testkit/shoal.ts'
import { TrackerClient } from '../../tracker-client/client.ts'
import { faultTest, HOOK_MS, SEED } from '../support/faults/faults.ts'
import { type Lie, lie } from '../support/hostile-trees.ts'

const LIES = 100
const never = new AbortController().signal
const world = new World()
let ada: Home
let bob: Home
let pid: unknown
beforeAll(async () => {
  await world.tracker()
  ;[ada, bob] = await world.users('ada', 'bob')
  await ada.ok('group create team')
  await ada.admit('team', bob)
  await ada.ok('peer start --detach')
  pid = (await bob.start('peer start')).ready.pid
}, HOOK_MS)
afterAll(() => world.close(), HOOK_MS)

/** Serves each stream as a file, and publishes it as a snapshot too: all hashes and the id are right. */
async function publish(lies: readonly Lie[]): Promise<void> {
  mkdirSync(join(ada.folder, 'streams'))
  for (const [i, { stream }] of lies.entries()) writeFileSync(join(ada.folder, `streams/s${i}`), stream)
  await ada.ok('peer upload streams --files --group team')
  const { token } = JSON.parse(readFileSync(join(ada.folder, 'session.json'), 'utf8'))
  const client = new TrackerClient({ trackers: world.trackers, token })
  const files = lies.map(({ stream }, i) => {
    const chunks = Math.ceil(stream.length / CHUNK_SIZE)
    const hashes = Buffer.concat(
      Array.from({ length: chunks }, (_, k) => sha256(stream.subarray(k * CHUNK_SIZE, (k + 1) * CHUNK_SIZE))),
    )
    const size = stream.length
    const tree = { entries: 3, files: 2, bytes: 1, trailer: i % 2 === 0 ? 40 : 2 ** 50 }
    const id = fileId(size, merkleRoot(hashes))
    return { name: `t${i}`, fileId: id, size, tree, hashes: hashes.toString('base64') }
  })
  await client.publish('team', files)
}

/** The most memory that a process has had, in MB. */
const peakOf = (process: unknown): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${process}/status`, 'utf8'))?.[1]) / 1024

faultTest(
  'each of 100 snapshots that lie is refused in one sentence before anything is made, and nothing outside is touched',
  async () => {
    const random = seededRandom(SEED)
    const lies = Array.from({ length: LIES }, (_, i) => lie(i, random))
    await publish(lies)
    const place = join(bob.folder, 'place')
    mkdirSync(join(bob.folder, 'outside'))
    writeFileSync(join(bob.folder, 'outside/file'), 'untouched')
    mkdirSync(place)
    const before = readdirSync(bob.folder).sort()
    const peer = (await connectPeer(bob.folder))!
    const rest = { maxDown: 0, maxUp: 0, sequential: false, waitMs: 20_000 }
    let refused = 0
    const attempt = async ({ what, mayBeRight }: Lie, i: number): Promise<void> => {
      const output = join(place, `t${i}`)
      const error = await peer
        .download({ group: 'team', name: `t${i}`, output, ...rest }, () => {}, never)
        .then(
          () => null,
          (thrown: unknown) => thrown as ShoalError,
        )
      if (error === null && mayBeRight) return
      refused++
      expect({ what, error }).toMatchObject({ what, error: { code: 'TREE_INVALID' } })
      expect({ what, message: error?.message }).toEqual({
        what,
        message: expect.stringMatching(
          new RegExp(`^team:t${i} was published as a broken snapshot: [^\\n]+$`),
        ),
      })
      expect(error!.message.length).toBeLessThan(600)
      expect({ what, isThere: existsSync(output) }).toEqual({ what, isThere: false })
    }
    for (let at = 0; at < lies.length; at += 10)
      await Promise.all(lies.slice(at, at + 10).map((each, k) => attempt(each, at + k)))
    expect(readdirSync(bob.folder).sort()).toEqual([...before, 'trees'].sort())
    expect(readdirSync(join(bob.folder, 'outside'))).toEqual(['file'])
    expect(readFileSync(join(bob.folder, 'outside/file'), 'utf8')).toBe('untouched')
    expect(readdirSync(place).filter((name) => name.includes('shoal-part'))).toEqual([])
    expect(readdirSync(join(bob.folder, 'trees')).filter((name) => name.includes('part'))).toEqual([])
    const peak = peakOf(pid)
    expect(peak).toBeLessThan(400)
    return { refused, downloaded: LIES - refused, 'peak of the peer, MB': Math.round(peak) }
  },
  3,
)
