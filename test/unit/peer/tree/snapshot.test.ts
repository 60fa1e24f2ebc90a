import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TreePool } from '../../../../peer/tree/pool.ts'
import { makeSnapshot, type Snapshot } from '../../../../peer/tree/snapshot.ts'

const folder = mkdtempSync(join(tmpdir(), 'shoal-snapshot-'))
const pool = new TreePool()
afterAll(async () => {
  await pool.close()
  rmSync(folder, { recursive: true })
})

let count = 0
/** A folder with two small files, one in a folder of its own. */
function newRoot(): string {
  const root = join(folder, `root${count++}`)
  mkdirSync(join(root, 'd'), { recursive: true })
  writeFileSync(join(root, 'd/a'), 'a')
  writeFileSync(join(root, 'z'), 'z')
  return root
}

const RULES = { exclude: [], include: [], keepsLinks: false, allowsCollisions: false }

/** Makes a snapshot. `between` runs when the folder was listed, `after` when its files were hashed for the first time. */
function snapshotOf(
  root: string,
  { between = () => {}, after = () => {} }: { between?: () => void; after?: () => void },
): Promise<Snapshot> {
  let read = 0
  const steps = {
    earlier: null,
    begin: between,
    progress: (bytes: number) => {
      read += bytes
      if (read === 2) after()
    },
  }
  return makeSnapshot(root, RULES, pool, steps, new AbortController().signal)
}

test('a folder that rests becomes a snapshot, also by a link to it', async () => {
  const root = newRoot()
  symlinkSync(root, `${root}-link`)
  const [direct, linked] = [await snapshotOf(root, {}), await snapshotOf(`${root}-link`, {})]
  expect(linked.fileId).toBe(direct.fileId)
})

const CHANGES: [what: string, change: (root: string) => void, code: string, path: string][] = [
  ['grows', (root) => appendFileSync(join(root, 'z'), 'more'), 'FILE_CHANGED', 'z'],
  ['gets another time', (root) => utimesSync(join(root, 'z'), 5, 5), 'FILE_CHANGED', 'z'],
]

describe.each(['between', 'after'] as const)('%s the first reading of a folder', (when) => {
  test.each(CHANGES)('a file that %s is named, and nothing is made', async (_, change, code, path) => {
    const root = newRoot()
    await expect(snapshotOf(root, { [when]: () => change(root) })).rejects.toMatchObject({
      code,
      kind: 'storage',
      message: `${join(root, path)} changed while it was read`,
      hint: expect.any(String),
    })
  })

  test('a file that is removed is named', async () => {
    const root = newRoot()
    await expect(snapshotOf(root, { [when]: () => rmSync(join(root, 'z')) })).rejects.toMatchObject({
      kind: 'storage',
      message: expect.stringContaining(join(root, 'z')),
    })
  })

  test('a folder that becomes a link to another one is not followed', async () => {
    const root = newRoot()
    const swap = (): void => {
      renameSync(join(root, 'd'), `${root}-away`)
      symlinkSync(`${root}-away`, join(root, 'd'))
    }
    await expect(snapshotOf(root, { [when]: swap })).rejects.toMatchObject({
      kind: 'storage',
      message: expect.stringContaining(join(root, 'd')),
    })
  })
})
