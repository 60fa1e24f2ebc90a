import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Home, World } from '../../testkit/shoal.ts'
import { FULL, faultTest, HOOK_MS, SEED } from '../support/faults/faults.ts'
import { contentsOf } from '../support/trees.ts'

const RUNS = FULL ? 20 : 3
const SWAPPER = join(import.meta.dirname, '../support/faults/link-swapper.ts')
const world = new World()
let ada: Home
let bob: Home
beforeAll(async () => {
  await world.tracker()
  ;[ada, bob] = await world.users('ada', 'bob')
  await ada.ok('group create team')
  await ada.admit('team', bob)
  await ada.ok('peer start --detach')
  await bob.ok('peer start --detach')
}, HOOK_MS)
afterAll(() => world.close(), HOOK_MS)

/** Files in folders; two of them have the same content, one is empty and one read-only. */
function write(root: string): void {
  for (let i = 0; i < 150; i++) {
    const folder = join(root, `d${i % 5}/e${i % 3}`)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `f${i}`), randomBytes(i % 25 === 0 ? 700_000 : 9_000))
  }
  for (const name of ['copy', 'copy of copy']) writeFileSync(join(root, `d1/${name}`), 'the same content')
  writeFileSync(join(root, 'd2/empty'), '')
  writeFileSync(join(root, 'd3/read-only'), 'read-only', { mode: 0o444 })
}

/** Names, contents, modes and times of what must not be touched. */
const stateOf = (folder: string): unknown =>
  ['.', ...readdirSync(folder)].sort().map((name) => {
    const { mode, mtimeMs, size, ino } = lstatSync(join(folder, name))
    const content = name === '.' ? '' : readFileSync(join(folder, name), 'utf8')
    return { name, mode, mtimeMs, size, ino, content }
  })

/** Swaps links into working folders beside bob's targets while `work` runs. Returns the number of swaps. */
async function whileSwapping(outside: string, seed: number, work: () => Promise<void>): Promise<number> {
  const swapper = spawn(process.execPath, [SWAPPER, bob.folder, outside, `${seed}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const output: Buffer[] = []
  swapper.stdout.on('data', (part: Buffer) => output.push(part))
  await work().finally(() => swapper.stdin.end())
  const [code] = await once(swapper, 'close')
  expect(code).toBe(0)
  return Number(Buffer.concat(output))
}

faultTest(
  'links that somebody swaps into the working folder of a snapshot lead nothing elsewhere, and a later run is whole',
  async () => {
    const root = join(ada.folder, 'tree')
    write(root)
    await ada.ok(['peer', 'upload', root, '--group', 'team', '--as', 'tree'])
    const wanted = contentsOf(root)
    const outside = world.path('outside')
    mkdirSync(outside, { mode: 0o750 })
    writeFileSync(join(outside, 'file'), 'untouched', { mode: 0o640 })
    utimesSync(join(outside, 'file'), 1_577_934_245, 1_577_934_245)
    const before = stateOf(outside)
    let swaps = 0
    let failed = 0
    for (let run = 0; run < RUNS; run++) {
      const out = join(bob.folder, `out${run}`)
      const line = ['peer', 'download', 'team:tree', '-o', out]
      // The second run of each has a target: files are moved into it one by one.
      for (const round of ['new', 'merge']) {
        swaps += await whileSwapping(outside, SEED + run, async () => {
          const { code, stderr, stdout } = await bob.run([...line, '--json', '--max-down', '6MB'])
          if (code === 0) return
          failed++
          const { error } = JSON.parse(stdout.toString())
          expect({ code, error, stderr }).toMatchObject({ code: 10, error: { hint: expect.any(String) } })
          expect(error.message).toMatch(
            new RegExp(`^${bob.folder}/[^\\n]*: [^\\n]+$|^${bob.folder}/[^\\n]+$`),
          )
        })
        expect(stateOf(outside)).toEqual(before)
        await bob.ok([...line, '--force'])
        const got = contentsOf(out)
        for (const [path, content] of wanted) expect([path, got.get(path)]).toEqual([path, content])
        expect(stateOf(outside)).toEqual(before)
        if (round === 'new') for (const name of ['d0', 'd3']) rmSync(join(out, name), { recursive: true })
      }
      rmSync(out, { recursive: true })
    }
    expect(swaps).toBeGreaterThan(0)
    return { runs: RUNS * 2, swaps, failed }
  },
  FULL ? 20 : 3,
)
