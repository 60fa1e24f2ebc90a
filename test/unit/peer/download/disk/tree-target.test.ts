import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireUnchanged } from '../../../../../peer/download/disk/folder-state.ts'
import { planTree } from '../../../../../peer/download/disk/tree-target.ts'
import { selectPart } from '../../../../../peer/tree/plan.ts'
import { TreePool } from '../../../../../peer/tree/pool.ts'
import { setTime } from '../../../../../peer/tree/set-time.ts'
import { buildTree } from '../../../../../protocol/tree/tree-reader.ts'
import { file, folder } from '../../../../support/trees.ts'

const { index } = buildTree([folder('a'), file('a/one', 3), file('a/two', 4), file('b', 5)])
const never = new AbortController().signal
const pool = new TreePool()
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'shoal-target-'))
  mkdirSync(join(root, 'a'))
})
afterEach(() => rmSync(root, { recursive: true }))
afterAll(() => pool.close())

const planOf = (force: boolean) =>
  planTree(index, selectPart(index, ''), root, { earlier: () => [], mirror: null, pool, force }, never)

async function check(force: boolean, meanwhile: () => void): Promise<void> {
  const { plan, target } = await planOf(force)
  meanwhile()
  await requireUnchanged(target.before!, force, new Set(plan.files()), pool, never)
}

test('a file that somebody makes during the download is not replaced', async () => {
  await check(false, () => {})
  const make = (): void => writeFileSync(join(root, 'a/two'), 'mine')
  await expect(check(false, make)).rejects.toMatchObject({
    code: 'PATH_IN_THE_WAY',
    message: `somebody changed files in ${root} during the download: a/two`,
  })
})

test('--force replaces such a file, but no folder', async () => {
  await check(true, () => writeFileSync(join(root, 'a/two'), 'mine'))
  await expect(check(true, () => mkdirSync(join(root, 'b')))).rejects.toMatchObject({
    code: 'PATH_IN_THE_WAY',
  })
})

test('a file whose earlier snapshot lied about its content is fetched again', async () => {
  const wanted = createHash('sha256').update('true').digest()
  const trees = [1, 2].map((version) =>
    buildTree([{ ...file('f', 4), sha256: wanted }, file('other', 2 + version)]),
  )
  const plan = async () => {
    const options = { earlier: () => [trees[0]!.index], mirror: null, pool, force: false }
    return (await planTree(trees[1]!.index, selectPart(trees[1]!.index, ''), root, options, never)).plan
  }
  for (const content of ['lies', 'true']) {
    writeFileSync(join(root, 'f'), content)
    setTime(join(root, 'f'), trees[0]!.index.mtimeNs(0))
    expect([...(await plan()).files()]).toEqual(content === 'true' ? ['other'] : ['f', 'other'])
  }
})
