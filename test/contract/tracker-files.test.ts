import { randomBytes } from 'node:crypto'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { fileId } from '../../protocol/file-id.ts'
import { checkGrantClaims, GRANT_TYPE } from '../../protocol/grants.ts'
import { merkleRoot } from '../../protocol/merkle.ts'
import { announceAs, identityOf, ListeningPeer, peerId } from '../../testkit/test-peer.ts'
import { until } from '../../testkit/until.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'
import { code, groupOfFour, TestFleet } from '../support/tracker-fleet.ts'

let fleet: TestFleet
let actors: Awaited<ReturnType<typeof groupOfFour>>
let owner: TrackerClient
let member: TrackerClient
beforeAll(async () => {
  fleet = await TestFleet.start(2)
  actors = await groupOfFour(fleet, 'team')
  owner = actors.owner
  member = actors.member
})
afterAll(() => fleet.stop())

/** A file of `chunks` whole chunks that nobody has. */
function newFile(name: string, chunks: number) {
  const hashes = randomBytes(chunks * 32)
  const size = chunks * CHUNK_SIZE
  return { hashes, file: { name, fileId: fileId(size, merkleRoot(hashes)), size } }
}

const inline = ({ hashes, file }: ReturnType<typeof newFile>) => ({
  ...file,
  hashes: hashes.toString('base64'),
})

describe('publishing', () => {
  test('files with inline hashes are published, listed page by page, replaced and removed', async () => {
    const files = ['docs/a', 'docs/b', 'docs/c', 'x'].map((name) => inline(newFile(name, 2)))
    const { files: published, revision } = await owner.publish('team', files)
    expect(published.map((file) => [file.name, file.version])).toEqual(files.map((file) => [file.name, 1]))
    // Another client sees the change once its replica has received it.
    await until(async () => (await member.files('team')).revision >= revision)
    const first = await member.files('team', { prefix: 'docs', limit: 2 })
    expect(first).toMatchObject({
      files: [{ name: 'docs/a', seeders: 0 }, { name: 'docs/b' }],
      next: 'docs/b',
    })
    expect(first.revision).toBeGreaterThanOrEqual(revision)
    const rest = await member.files('team', { prefix: 'docs', after: first.next ?? '', limit: 2 })
    expect(rest).toMatchObject({ files: [{ name: 'docs/c' }], next: null })
    const again = await member.publish('team', [inline(newFile('x', 1))])
    expect(again.files).toMatchObject([{ name: 'x', version: 2, uploader: 'team-member' }])
    await expect(member.removeFile('team', 'docs/a')).rejects.toMatchObject(code('NOT_AN_ADMIN'))
    await owner.removeFile('team', 'docs/a')
    await until(async () => (await member.files('team', { prefix: 'docs/a' })).files.length === 0)
  })

  test('the versions of a file are listed newest first, and start over after a removal', async () => {
    const publish = async (client: TrackerClient, chunks: number) =>
      (await client.publish('team', [inline(newFile('story/"1"', chunks))])).files[0]!
    await publish(owner, 1)
    await owner.removeFile('team', 'story/"1"')
    const made = [await publish(owner, 2), await publish(member, 3), await publish(owner, 1)]
    await owner.publish('team', [inline(newFile('story/other', 1))])
    const { versions, next, revision } = await member.versions('team', 'story/"1"')
    expect(versions).toEqual(made.toReversed().map((file) => ({ ...file, tags: [] })))
    expect(next).toBeNull()
    expect(versions.map(({ version }) => version)).toEqual([3, 2, 1])
    expect(revision).toBeGreaterThan(0)
    await owner.removeFile('team', 'story/"1"')
    await expect(member.versions('team', 'story/"1"')).rejects.toMatchObject(code('FILE_NOT_FOUND'))
  })

  test('an empty file needs no hashes', async () => {
    const empty = { name: 'empty', fileId: fileId(0, merkleRoot(Buffer.alloc(0))), size: 0 }
    expect((await owner.publish('team', [empty])).files).toMatchObject([{ name: 'empty', size: 0 }])
  })

  test('a long file is published once its hashes are staged in pages, in order', async () => {
    const { hashes, file } = newFile('long', 1500)
    await expect(owner.publish('team', [file])).rejects.toMatchObject(code('HASHES_NEEDED'))
    const stage = (first: number, last: number) =>
      owner.stageHashes('team', file.fileId, first, hashes.subarray(first * 32, last * 32))
    await expect(stage(1000, 1500)).rejects.toMatchObject(code('BAD_REQUEST'))
    await stage(0, 1000)
    await expect(owner.publish('team', [file])).rejects.toMatchObject(code('HASHES_NEEDED'))
    await stage(1000, 1500)
    await expect(member.publish('team', [file])).rejects.toMatchObject(code('HASHES_NEEDED'))
    await owner.publish('team', [file])
    expect(await member.hashes('team', file.fileId, 0, 700)).toEqual(hashes.subarray(0, 700 * 32))
    expect(await member.hashes('team', file.fileId, 1400, 700)).toEqual(hashes.subarray(1400 * 32))
    expect((await member.publish('team', [{ ...file, name: 'copy' }])).files).toMatchObject([
      { name: 'copy' },
    ])
  })

  test('a repeated publish returns the first answer, even to a user who is no longer a member', async () => {
    const { client, user } = { client: actors.stranger, user: 'team-stranger' }
    await client.requestJoin('team')
    await owner.accept('team', [user])
    const body = { files: [inline(newFile('repeated', 1))] }
    const publish = () => fleet.send('POST', '/v1/groups/team/files', { token: client.token, key: 'k', body })
    const first = await publish()
    expect(first.status).toBe(200)
    await owner.kick('team', [user])
    expect(await publish()).toEqual(first)
  })

  test('a wrong manifest is refused, and nothing of its batch is published', async () => {
    const good = inline(newFile('lies/good', 1))
    const { hashes, file } = newFile('lies/bad', 3)
    const lies = {
      'another id': { ...inline({ hashes, file }), fileId: 'a'.repeat(64) },
      'another size': { ...inline({ hashes, file }), size: file.size - 1 },
      'a size of more chunks': { ...inline({ hashes, file }), size: file.size + 1 },
      'a size beyond the maximum': { ...inline({ hashes, file }), size: 2 ** 52 },
      'too few hashes': { ...file, hashes: hashes.subarray(32).toString('base64') },
      'half a hash': { ...file, hashes: hashes.subarray(16).toString('base64') },
      'an empty file with the id of another': { ...file, size: 0 },
    }
    for (const [what, lie] of Object.entries(lies))
      await expect(owner.publish('team', [good, lie]).catch((error) => [what, error.code])).resolves.toEqual([
        what,
        'BAD_MANIFEST',
      ])
    await expect(owner.publish('team', [{ ...good, name: '../up' }])).rejects.toMatchObject(code('BAD_NAME'))
    expect((await owner.files('team', { prefix: 'lies' })).files).toEqual([])
  })

  test('staged hashes of another file are refused', async () => {
    const { file } = newFile('staged-lie', 3)
    await owner.stageHashes('team', file.fileId, 0, randomBytes(96))
    await expect(owner.publish('team', [file])).rejects.toMatchObject(code('BAD_MANIFEST'))
    const known = newFile('known', 100)
    await owner.stageHashes('team', known.file.fileId, 0, known.hashes)
    await owner.publish('team', [known.file])
    for (const size of [known.file.size + CHUNK_SIZE, known.file.size - CHUNK_SIZE, known.file.size - 1])
      await expect(owner.publish('team', [{ ...known.file, size }])).rejects.toMatchObject(
        code('BAD_MANIFEST'),
      )
  })
})

describe('swarms', () => {
  let listeners: ListeningPeer[] = []
  afterEach(async () => {
    for (const listener of listeners) await listener.stop()
    listeners = []
  })
  /** A peer that answers the tracker's call-back. */
  const listening = async (name: string): Promise<number> => {
    const listener = await ListeningPeer.start(identityOf(name))
    listeners.push(listener)
    return listener.port
  }
  const announce = (client: TrackerClient, peer: string, body: object) =>
    announceAs(client, identityOf(peer), { port: 4000, tls: true, sequence: 1, ...body })
  const serving = (id: string, complete = true, group = 'team') => ({
    files: [{ group, fileId: id, complete }],
  })
  const join = async (client: TrackerClient, id: string, hashes?: boolean) => {
    const body = { peer: peerId('asker'), fileIds: [id], ...(hashes ? { hashes } : {}) }
    const { swarms } = await client.joinSwarms('team', body)
    return swarms[0]!
  }
  const published = async (name: string, chunks = 1) => {
    const made = newFile(name, chunks)
    await owner.publish('team', [inline(made)])
    return made
  }

  test('peers accept a grant signed by the tracker, for its file and certificate only', async () => {
    const { file } = await published('granted')
    const { grant, expires } = await join(member, file.fileId)
    const keys = createLocalJWKSet(await fleet.anonymous().keys())
    const { payload } = await jwtVerify(grant, keys, { algorithms: ['EdDSA'], typ: GRANT_TYPE })
    const use = { fileId: file.fileId, groups: new Set(['team']), now: Date.now() / 1000 }
    expect(checkGrantClaims(payload, { ...use, fingerprint: peerId('asker') })).toMatchObject({
      sub: 'team-member',
    })
    expect(new Date((payload.exp ?? 0) * 1000).toISOString()).toBe(expires)
    expect(() => checkGrantClaims(payload, { ...use, fingerprint: peerId('thief') })).toThrow('another peer')
  })

  test('all replicas hand out an announced peer at its observed address', async () => {
    const { hashes, file } = await published('shared', 3)
    const port = await listening('seed')
    const answer = await announce(owner, 'seed', { port, ...serving(file.fileId) })
    expect(answer.resync).toBe(false)
    expect(answer.interval).toBeGreaterThanOrEqual(8)
    expect(answer.interval).toBeLessThanOrEqual(12)
    for (const replica of [0, 1]) {
      const client = fleet.anonymous(replica)
      client.token = member.token
      await until(async () => (await join(client, file.fileId)).peers.length === 1)
      const swarm = await join(client, file.fileId, true)
      const address = { peer: peerId('seed'), host: '127.0.0.1', port, tls: true, complete: true }
      expect(swarm.peers).toEqual([address])
      expect(Buffer.from(swarm.hashes ?? '', 'base64')).toEqual(hashes)
      const listed = await client.files('team', { prefix: 'shared' })
      expect(listed.files).toMatchObject([{ seeders: 1, leechers: 0 }])
    }
    await announce(owner, 'seed', { sequence: 2, leaving: true })
    expect((await join(member, file.fileId)).peers).toEqual([])
  })

  test('a peer that joins a swarm is named to the next joiner before it announces the file', async () => {
    const { file } = await published('together')
    const port = await listening('first')
    await announce(owner, 'first', { port, files: [] })
    const joinAs = (client: TrackerClient, peer: string) =>
      client.joinSwarms('team', { peer: peerId(peer), fileIds: [file.fileId] })
    // The member's second key pair, and an unknown peer: neither counts.
    await joinAs(member, 'first')
    await joinAs(member, 'unknown')
    expect((await join(member, file.fileId)).peers).toEqual([])
    await joinAs(owner, 'first')
    expect((await join(member, file.fileId)).peers).toMatchObject([
      { peer: peerId('first'), complete: false },
    ])
    await announce(owner, 'first', { port, sequence: 2, files: [] })
    expect((await join(member, file.fileId)).peers).toEqual([])
  })

  test('a heartbeat keeps a known set, and is answered with resync if the set is unknown', async () => {
    const { file } = await published('beating')
    expect(await announce(owner, 'beater', {})).toMatchObject({ resync: true })
    expect(await announce(owner, 'beater', serving(file.fileId, false))).toMatchObject({ resync: false })
    expect(await announce(owner, 'beater', {})).toMatchObject({ resync: false })
    expect(await announce(owner, 'beater', { sequence: 2 })).toMatchObject({ resync: true })
    expect(await announce(owner, 'beater', { port: 4001 })).toMatchObject({ resync: true })
    const beater = peerId('beater')
    expect(await owner.heartbeat(beater, 1)).toMatchObject({ resync: false })
    expect(await owner.heartbeat(beater, 2)).toMatchObject({ resync: true })
    expect(await owner.heartbeat(peerId('nobody'), 1)).toMatchObject({ resync: true })
    await expect(member.heartbeat(beater, 1)).rejects.toMatchObject(code('PEER_UNPROVEN'))
    await expect(owner.heartbeat('beater', 1)).rejects.toMatchObject(code('BAD_REQUEST'))
    await expect(owner.heartbeat(beater, -1)).rejects.toMatchObject(code('BAD_REQUEST'))
    const anonymous = fleet.anonymous()
    await expect(anonymous.heartbeat(beater, 1)).rejects.toMatchObject(code('NOT_LOGGED_IN'))
    const listed = await owner.files('team', { prefix: 'beating' })
    expect(listed.files).toMatchObject([{ seeders: 0, leechers: 1 }])
  })

  test('an announce by a non-member has no effect, and a removed member is no longer handed out', async () => {
    const { file } = await published('guarded')
    const port = await listening('outsider')
    await announce(actors.stranger, 'outsider', { port, ...serving(file.fileId) })
    expect((await join(owner, file.fileId)).peers).toEqual([])
    await actors.stranger.requestJoin('team')
    await owner.accept('team', ['team-stranger'])
    await announce(actors.stranger, 'outsider', { port, sequence: 2, ...serving(file.fileId) })
    expect((await join(owner, file.fileId)).peers).toHaveLength(1)
    const other = fleet.anonymous(1)
    other.token = owner.token
    const seeders = async (client: TrackerClient) =>
      (await client.files('team', { prefix: 'guarded' })).files[0]?.seeders
    await until(async () => (await seeders(other)) === 1)
    await owner.kick('team', ['team-stranger'])
    expect((await join(owner, file.fileId)).peers).toEqual([])
    for (const client of [owner, other]) await until(async () => (await seeders(client)) === 0, 1000)
    expect(await announce(actors.stranger, 'outsider', { port, sequence: 2 })).toMatchObject({ resync: true })
    await announce(actors.stranger, 'outsider', { port, sequence: 3, ...serving(file.fileId) })
    expect((await owner.files('team', { prefix: 'guarded' })).files).toMatchObject([{ seeders: 0 }])
  })

  test('a join returns long files without hashes and leaves out unknown files', async () => {
    const { hashes, file } = newFile('longer', 65)
    await owner.stageHashes('team', file.fileId, 0, hashes)
    await owner.publish('team', [file])
    expect((await join(member, file.fileId, true)).hashes).toBeUndefined()
    await expect(join(member, 'c'.repeat(64))).rejects.toMatchObject(code('FILE_NOT_FOUND'))
  })
})
