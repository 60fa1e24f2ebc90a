import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Snapshot } from '../../../../peer/tree/snapshot.ts'
import { CHUNK_SIZE } from '../../../../protocol/chunking.ts'
import { sha256 } from '../../../../protocol/merkle.ts'
import { entryPath } from '../../../../protocol/peer-wire.ts'
import { content } from '../../../support/peer/content.ts'
import { ServeFixture } from '../../../support/peer/serve-fixture.ts'

const LARGE = content(3 * CHUNK_SIZE + 777).data
const FILES: Record<string, Buffer> = {
  'a/large': LARGE,
  'b/whole chunks': content(2 * CHUNK_SIZE, 3).data,
  'b/small': Buffer.from('small'),
  'b/the same': Buffer.from('small'),
  'b/empty': Buffer.alloc(0),
  'c/100% sure? #1 é.txt': Buffer.from('odd name'),
}
const fixture = new ServeFixture()
let snapshot: Snapshot
beforeAll(async () => {
  await fixture.open()
  const root = join(fixture.folder, 'app')
  for (const [path, data] of Object.entries(FILES)) {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), data)
  }
  symlinkSync('a/large', join(root, 'link'))
  snapshot = await fixture.shareFolder(root, 'app')
})
afterEach(() => expect(fixture.errors.splice(0)).toEqual([]))
afterAll(() => fixture.close())

const pathOf = (path: string): string => entryPath(snapshot.fileId, path)

test('each file of a snapshot is served by its path, with its SHA-256 as the entity tag', async () => {
  for (const [path, data] of Object.entries(FILES)) {
    const answer = await fixture.ask(snapshot, { path: pathOf(path) })
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-length': `${data.length}`, etag: `"${sha256(data).toString('hex')}"` },
    })
    expect(answer.body.equals(data)).toBe(true)
    const head = await fixture.ask(snapshot, { path: pathOf(path), method: 'HEAD' })
    expect(head).toMatchObject({ status: 200, headers: { 'content-length': `${data.length}` } })
  }
})

test('any range of a file that lies in two places of the stream is answered with exactly its bytes', async () => {
  const at = fc.integer({ min: 0, max: LARGE.length - 1 })
  const property = fc.asyncProperty(at, at, async (a, b) => {
    const [first, last] = [Math.min(a, b), Math.max(a, b)]
    const answer = await fixture.ask(snapshot, { path: pathOf('a/large'), range: `bytes=${first}-${last}` })
    expect(answer.status).toBe(206)
    expect(answer.headers['content-range']).toBe(`bytes ${first}-${last}/${LARGE.length}`)
    expect(answer.body.equals(LARGE.subarray(first, last + 1))).toBe(true)
  })
  await fc.assert(property, { numRuns: 25 })
})

test('a range past the end of a file is 416, though the stream goes on', async () => {
  const answer = await fixture.ask(snapshot, { path: pathOf('b/small'), range: 'bytes=5-9' })
  expect(answer).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */5' } })
})

test.each(['none', 'a', 'a/', 'a/large/x', 'link', '/', '../app', '%2e%2e'])(
  'the path %s, which is no file of the tree, is 404 with a code',
  async (path) => {
    const answer = await fixture.ask(snapshot, { path: `/v1/files/${snapshot.fileId}/path/${path}` })
    expect(answer).toMatchObject({ status: 404, code: 'FILE_NOT_FOUND' })
  },
)

test('a path in a file that is no snapshot is 404, and one that is not UTF-8 is 400', async () => {
  const plain = content(1000)
  await fixture.share(plain, 'plain')
  const answer = await fixture.ask(plain, { path: entryPath(plain.fileId, 'x') })
  expect(answer).toMatchObject({ status: 404, code: 'FILE_NOT_FOUND' })
  const bad = await fixture.ask(snapshot, { path: `/v1/files/${snapshot.fileId}/path/%ff` })
  expect(bad).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
})

test('a path needs the grant of its snapshot, and may carry it', async () => {
  const other = await fixture.keys.sign('0'.repeat(64), fixture.client.peer)
  for (const grant of [null, other])
    expect(await fixture.ask(snapshot, { path: pathOf('b/small'), grant })).toMatchObject({
      status: 403,
      code: 'GRANT_INVALID',
    })
  const own = await fixture.grantFor(snapshot)
  const carried = await fixture.ask(snapshot, { path: `${pathOf('b/small')}?grant=${own}`, grant: null })
  expect(carried.body.toString()).toBe('small')
})

test('a long path is served, in letters that URLs write with three times as many', async () => {
  // 15 parts of 85 letters, three bytes each: as much as a system call takes beside the path of the folder.
  const path = Array.from({ length: 15 }, () => '界'.repeat(85)).join('/')
  const root = join(fixture.folder, 'deep')
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), 'deep')
  const deep = await fixture.shareFolder(root, 'deep')
  const answer = await fixture.ask(deep, { path: entryPath(deep.fileId, path) })
  expect(answer.body.toString()).toBe('deep')
})

test('a file that changed since it was shared is 410, and no longer served', async () => {
  const root = join(fixture.folder, 'changing')
  mkdirSync(root)
  writeFileSync(join(root, 'x'), 'before')
  const changing = await fixture.shareFolder(root, 'changing')
  writeFileSync(join(root, 'x'), 'after')
  const path = entryPath(changing.fileId, 'x')
  expect(await fixture.ask(changing, { path })).toMatchObject({ status: 410, code: 'FILE_CHANGED' })
  expect(await fixture.ask(changing, { path })).toMatchObject({ status: 403, code: 'GRANT_INVALID' })
})
