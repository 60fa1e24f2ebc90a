import { randomBytes } from 'node:crypto'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { fileId } from '../../protocol/file-id.ts'
import { merkleRoot } from '../../protocol/merkle.ts'
import type { FileRecord } from '../../protocol/records.ts'
import { peerId } from '../../testkit/test-peer.ts'
import { until } from '../../testkit/until.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'
import { code, groupOfFour, TestFleet } from '../support/tracker-fleet.ts'

let fleet: TestFleet
let owner: TrackerClient
let member: TrackerClient
/** A member whose client asks the other replica, and knows no revision. */
let elsewhere: TrackerClient
beforeAll(async () => {
  fleet = await TestFleet.start(2)
  const actors = await groupOfFour(fleet, 'team')
  owner = actors.owner
  member = actors.member
  elsewhere = fleet.anonymous(1)
  elsewhere.token = member.token
})
afterAll(() => fleet.stop())

const TREE = { entries: 3, files: 2, bytes: 20, trailer: 100 }

/** Publishes `chunks` random chunks, and returns their hashes too. */
async function publish(
  name: string,
  chunks = 1,
  tree?: typeof TREE,
): Promise<{ file: FileRecord; hashes: Buffer }> {
  const hashes = randomBytes(chunks * 32)
  const size = chunks * CHUNK_SIZE
  const body = { name, fileId: fileId(size, merkleRoot(hashes)), size, hashes: hashes.toString('base64') }
  const { files } = await owner.publish('team', [tree ? { ...body, tree } : body])
  return { file: files[0]!, hashes }
}

/** Publishes, and waits until the other replica's memory has it: a client that knows no revision may read the state before. */
async function publishToBoth(name: string, chunks?: number, tree?: typeof TREE): Promise<FileRecord> {
  const { file } = await publish(name, chunks, tree)
  await until(async () => (await elsewhere.resolve('team', name)).file.fileId === file.fileId)
  return file
}

const join = async (client: TrackerClient, id: string) =>
  (await client.joinSwarms('team', { peer: peerId('asker'), fileIds: [id], hashes: true })).swarms[0]!

test('a replaced version can be joined and its hashes read, until the file is removed', async () => {
  const old = await publish('joined', 3)
  const newest = await publish('joined', 2)
  for (const { file, hashes } of [old, newest]) {
    const swarm = await join(elsewhere, file.fileId)
    expect(Buffer.from(swarm.hashes ?? '', 'base64')).toEqual(hashes)
    expect(await elsewhere.hashes('team', file.fileId, 0, 3)).toEqual(hashes)
  }
  await owner.removeFile('team', 'joined')
  for (const { file } of [old, newest]) {
    await expect(join(elsewhere, file.fileId)).rejects.toMatchObject(code('FILE_NOT_FOUND'))
    await expect(elsewhere.hashes('team', file.fileId, 0, 1)).rejects.toMatchObject(code('FILE_NOT_FOUND'))
  }
})

test('versions are listed in pages with their tags', async () => {
  for (let i = 0; i < 5; i++) await publish('paged')
  await owner.tag('team', 'paged', 2, 'stable')
  await owner.tag('team', 'paged', 2, 'beta')
  const first = await elsewhere.versions('team', 'paged', { limit: 3 })
  expect(first.versions.map(({ version, tags }) => [version, tags])).toEqual([
    [5, []],
    [4, []],
    [3, []],
  ])
  const rest = await elsewhere.versions('team', 'paged', { before: first.next ?? 0, limit: 3 })
  expect(rest.versions.map(({ version, tags }) => [version, tags])).toEqual([
    [2, ['beta', 'stable']],
    [1, []],
  ])
  expect(rest.next).toBeNull()
})

test('a target is resolved to one version in one request, and a whole name wins', async () => {
  const one = await publishToBoth('lib/app')
  const two = await publishToBoth('lib/app')
  const odd = await publishToBoth('lib/app@2')
  await owner.tag('team', 'lib/app', 1, 'stable')
  const resolved = async (target: string) => {
    const { file, path } = await elsewhere.resolve('team', target)
    return [file.fileId, path]
  }
  const { fileId: first } = one
  expect(await resolved('lib/app')).toEqual([two.fileId, ''])
  expect(await resolved('lib/app@latest')).toEqual([two.fileId, ''])
  expect(await resolved('lib/app@1')).toEqual([first, ''])
  expect(await resolved('lib/app@stable')).toEqual([first, ''])
  expect(await resolved(`lib/app@sha256:${first.slice(0, 20).toUpperCase()}`)).toEqual([first, ''])
  expect(await resolved('lib/app@2')).toEqual([odd.fileId, ''])
  expect(await resolved('lib/app@2@1')).toEqual([odd.fileId, ''])
  for (const none of ['lib/app@3', 'lib/app@beta'])
    await expect(resolved(none)).rejects.toMatchObject(code('VERSION_NOT_FOUND'))
  for (const none of ['lib', 'lib/app/x', 'lib/app@1/x', 'other@1', 'none'])
    await expect(resolved(none)).rejects.toMatchObject(code('FILE_NOT_FOUND'))
})

test('a path in the tree of a snapshot is resolved to the snapshot and the path', async () => {
  const one = await publishToBoth('tree', 2, TREE)
  const two = await publishToBoth('tree', 3, TREE)
  expect(await elsewhere.resolve('team', 'tree/bin/tool')).toMatchObject({ file: two, path: 'bin/tool' })
  expect(await elsewhere.resolve('team', 'tree@1/bin')).toMatchObject({ file: one, path: 'bin' })
  expect(one.tree).toEqual(TREE)
  await expect(publish('tree/bin')).rejects.toMatchObject(code('NAME_CONFLICT'))
})

test('tags are set, moved and removed by the uploader and admins only', async () => {
  await publish('tagged')
  const { file } = await publish('tagged')
  await expect(member.tag('team', 'tagged', 1, 'stable')).rejects.toMatchObject(code('NOT_AN_ADMIN'))
  await expect(owner.tag('team', 'tagged', 1, '17')).rejects.toMatchObject(code('BAD_NAME'))
  await owner.tag('team', 'tagged', 1, 'stable')
  const { tag } = await owner.tag('team', 'tagged', 2, 'stable')
  expect(tag).toMatchObject({ name: 'tagged', tag: 'stable', version: 2, fileId: file.fileId })
  expect((await elsewhere.tags('team', 'tagged')).tags).toEqual([tag])
  await owner.untag('team', 'tagged', 'stable')
  expect((await elsewhere.tagHistory('team', 'tagged')).changes).toMatchObject([
    { from: 2, to: null, by: 'team-owner' },
    { from: 1, to: 2 },
    { from: null, to: 1 },
  ])
  await expect(elsewhere.tags('team', 'none')).rejects.toMatchObject(code('FILE_NOT_FOUND'))
})
