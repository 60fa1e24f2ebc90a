import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../testkit/until.ts'
import { ada, bob, useTwoHomes } from '../support/two-homes.ts'

const CHUNK = 512 * 1024
useTwoHomes({ withPeers: true })

interface Uploaded {
  files: { name: string; fileId: string; size: number; chunks: number; version: number }[]
}
interface Listed {
  files: { name: string; seeders: number; leechers: number }[]
}
interface Downloaded {
  files: {
    name: string
    size: number
    path: string
    bytesFetched: number
    bytesReused: number
    peers: { peer: string; bytes: number }[]
  }[]
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

let made = 0

/** Creates a file of random bytes in ada's home. No two end alike, because one-byte chunks could be equal. */
function make(name: string, size: number): Buffer {
  const bytes = randomBytes(size)
  bytes.fill(made++, Math.max(0, size - 1))
  writeFileSync(join(ada.folder, name), bytes)
  return bytes
}

test.each([
  ['empty', 0, 0],
  ['one-byte', 1, 1],
  ['one-chunk', CHUNK, 1],
  ['one-chunk-and-a-byte', CHUNK + 1, 2],
  ['several-chunks', 5 * CHUNK - 17, 5],
])('a file of %s is transferred from one home to another', async (name, size, chunks) => {
  const bytes = make(name, size)
  const { files } = await ada.ok<Uploaded>(`peer upload ${name} --group team`)
  expect(files).toEqual([{ name, fileId: expect.stringMatching(/^[0-9a-f]{64}$/), size, chunks, version: 1 }])
  const { files: got } = await bob.ok<Downloaded>(`peer download team:${name}`)
  const path = join(bob.folder, name)
  expect(got).toMatchObject([{ name, size, path, bytesFetched: size, bytesReused: 0 }])
  expect(got[0]?.peers.reduce((sum, peer) => sum + peer.bytes, 0)).toBe(size)
  expect(sha256(readFileSync(path))).toBe(sha256(bytes))
})

test('with --files a folder is transferred as separate files, as a whole and in part', async () => {
  mkdirSync(join(ada.folder, 'tree/deep'), { recursive: true })
  for (const name of ['tree/a', 'tree/b', 'tree/deep/c']) make(name, 1000)
  symlinkSync('/etc/hostname', join(ada.folder, 'tree/out'))
  const { files } = await ada.ok<Uploaded>('peer upload tree --group team --files')
  expect(files.map(({ name }) => name)).toEqual(['tree/a', 'tree/b', 'tree/deep/c'])
  await bob.ok('peer download team:tree')
  for (const { name } of files)
    expect(readFileSync(join(bob.folder, name))).toEqual(readFileSync(join(ada.folder, name)))
  await bob.ok('peer download team:tree/deep -o elsewhere')
  expect(readdirSync(join(bob.folder, 'elsewhere'))).toEqual(['c'])
  const listed = async () => (await bob.ok<Listed>('group files team tree/deep')).files
  expect(await listed()).toMatchObject([{ name: 'tree/deep/c', size: 1000, version: 1, uploader: 'ada' }])
  // The tracker learns of a new seed with a short delay.
  await until(async () => {
    const [file] = await listed()
    return file?.seeders === 2 && file.leechers === 0
  })
})

test('upload reads stdin, and download writes the file and nothing else to stdout', async () => {
  const bytes = randomBytes(3 * CHUNK + 5)
  const refused = await ada.fails('peer upload - --group team', { stdin: bytes })
  expect(refused).toMatchObject({ exit: 2, code: 'USAGE' })
  await ada.ok('peer upload - --group team --as logs/today', { stdin: bytes })
  for (const words of ['peer download team:logs/today -o -', 'peer download team:logs/today -o - --json']) {
    const { code, stdout, stderr } = await bob.run(words)
    expect(code).toBe(0)
    expect(sha256(stdout)).toBe(sha256(bytes))
    expect(stderr).not.toBe('')
  }
  expect(readdirSync(join(bob.folder, 'tmp'))).toEqual([])
})

test('an upload under the same name is the next version, and unchanged content keeps its version', async () => {
  make('report', 2000)
  expect((await ada.ok<Uploaded>('peer upload report --group team')).files[0]?.version).toBe(1)
  expect((await ada.ok<Uploaded>('peer upload report --group team')).files[0]?.version).toBe(1)
  const newer = make('report', 3000)
  expect((await ada.ok<Uploaded>('peer upload report --group team')).files[0]?.version).toBe(2)
  await bob.ok('peer download team:report')
  expect(readFileSync(join(bob.folder, 'report'))).toEqual(newer)
})

test('a file can be removed by its uploader or an admin, but not by another member', async () => {
  make('secret', 10)
  await ada.ok('peer upload secret --group team')
  expect(await bob.fails('peer remove team:secret')).toMatchObject({ exit: 4, code: 'NOT_AN_ADMIN' })
  await ada.ok('peer remove team:secret')
  expect(await bob.fails('peer download team:secret')).toMatchObject({ exit: 5, code: 'FILE_NOT_FOUND' })
})

test('with --json and --progress ndjson, progress goes to stderr and stdout has one document', async () => {
  make('watched', 2 * CHUNK)
  await ada.ok('peer upload watched --group team')
  const { stdout, stderr } = await bob.run('peer download team:watched --json --progress ndjson')
  expect(JSON.parse(stdout.toString())).toMatchObject({ files: [{ name: 'watched' }] })
  const events = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(events[0]).toEqual({ event: 'start', name: 'watched', total: 2 * CHUNK })
  expect(events.at(-1)).toMatchObject({ event: 'done', name: 'watched' })
  expect(events).toContainEqual(expect.objectContaining({ event: 'progress', done: 2 * CHUNK, eta: 0 }))
})

test('the peer status lists served files, and a changed file as a fault that is no longer served', async () => {
  make('changing', 100)
  await ada.ok('peer upload changing --group team')
  interface Status {
    peer: string
    url: string
    seeding: { name: string; fault?: string }[]
  }
  const status = await ada.ok<Status>('peer status')
  expect(status.url).toMatch(/^https:/)
  expect(status.seeding).toContainEqual(expect.objectContaining({ group: 'team', name: 'changing' }))
  make('changing', 101)
  expect(await bob.fails('peer download team:changing --wait 2s')).toMatchObject({ exit: 8 })
  const after = await ada.ok<Status>('peer status')
  expect(after.seeding.find(({ name }) => name === 'changing')?.fault).toMatch(/\w/)
  expect(existsSync(join(bob.folder, 'changing'))).toBe(false)
})

test('the names of the older client work', async () => {
  make('older', 10)
  await ada.ok('upload older --group team')
  await bob.ok('download team:older')
  expect(readFileSync(join(bob.folder, 'older'))).toHaveLength(10)
})
