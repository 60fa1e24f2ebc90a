import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ada, bob, useTwoHomes, world } from '../support/two-homes.ts'

const MIB = 1024 * 1024
useTwoHomes()
// Each test starts without a running peer, and has its own files.
afterEach(() => Promise.all([ada.run('peer stop'), bob.run('peer stop')]))

interface Downloaded {
  files: {
    size: number
    bytesFetched: number
    bytesReused: number
    peers: { peer: string; bytes: number }[]
  }[]
}

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')

/** Shares a file of random bytes from ada's home. Returns its path. */
async function share(name: string, size: number): Promise<string> {
  writeFileSync(join(ada.folder, name), randomBytes(size))
  await ada.ok(`peer upload ${name} --group team`)
  return join(ada.folder, name)
}

test('upload starts a peer in the background, --once leaves none, and stop ends it', async () => {
  const source = await share('first', 1000)
  const { pid } = await ada.ok<{ pid: number }>('peer status')
  expect(pid).toEqual(expect.any(Number))
  expect(await ada.fails('peer start')).toMatchObject({ exit: 6, code: 'ALREADY_RUNNING' })

  await bob.ok('peer download team:first --once')
  expect(sha256(join(bob.folder, 'first'))).toBe(sha256(source))
  expect(await bob.ok('peer status')).toMatchObject({ url: null, pid: null, seeding: [], downloads: [] })
  expect(await ada.ok('stop')).toMatchObject({ stopped: [{ pid }] })
  expect(await ada.ok('peer stop')).toEqual({ stopped: [] })
})

test('a download of a file whose only peer has stopped fails with NO_PEER in time', async () => {
  await share('gone', 1000)
  await ada.ok('peer stop')
  const started = performance.now()
  expect(await bob.fails('peer download team:gone --once --wait 1s')).toMatchObject({
    exit: 8,
    code: 'NO_PEER',
  })
  expect(performance.now() - started).toBeLessThan(10_000)
  expect(existsSync(join(bob.folder, 'gone'))).toBe(false)
})

test('a downloaded file is served too: a third home gets chunks from both holders', async () => {
  const source = await share('spread', 32 * MIB)
  await bob.ok('peer download team:spread')
  const [cyd] = await world.users('cyd')
  await ada.admit('team', cyd)
  const { files } = await cyd.ok<Downloaded>('peer download team:spread --once')
  expect(sha256(join(cyd.folder, 'spread'))).toBe(sha256(source))
  expect(files[0]?.peers).toHaveLength(2)
  for (const { bytes } of files[0]?.peers ?? []) expect(bytes).toBeGreaterThan(0)
})

test('upload --once --seed-for serves for the given time only', async () => {
  writeFileSync(join(ada.folder, 'seeded'), randomBytes(1000))
  const seeding = await ada.start('peer upload seeded --group team --once --seed-for 10m --json')
  expect(seeding.ready).toMatchObject({ files: [{ name: 'seeded', size: 1000 }] })
  await bob.ok('peer download team:seeded --once')
  expect(await seeding.end('SIGINT')).toBe(130)
  expect(await ada.ok('peer status')).toMatchObject({ pid: null })
})

test('after SIGKILL, the same download command continues and fetches only the missing chunks', async () => {
  const size = 64 * MIB
  const source = await share('resumed', size)
  const download = 'peer download team:resumed --once'
  const child = bob.spawn(`${download} --max-down 16MiB --progress ndjson`)
  let done = 0
  for await (const line of createInterface({ input: child.stderr! })) {
    done = JSON.parse(line).done ?? done
    if (done > size / 4) break
  }
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(existsSync(join(bob.folder, 'resumed'))).toBe(false)

  const { files } = await bob.ok<Downloaded>(download)
  expect(sha256(join(bob.folder, 'resumed'))).toBe(sha256(source))
  const [file] = files
  expect(file!.bytesFetched + file!.bytesReused).toBe(size)
  // Chunks in flight at the kill may be fetched again: at most one window.
  expect(file!.bytesFetched).toBeLessThanOrEqual(size - done + 32 * MIB)
  expect(file!.bytesReused).toBeGreaterThan(0)
})

test('Ctrl-C stops a download with exit 130 and without a file under the final name', async () => {
  await share('stopped', 32 * MIB)
  const child = bob.spawn('peer download team:stopped --once --max-down 1MiB --progress ndjson')
  for await (const line of createInterface({ input: child.stderr! })) if (line.includes('"progress"')) break
  child.kill('SIGINT')
  const [code] = await once(child, 'exit')
  expect(code).toBe(130)
  expect(existsSync(join(bob.folder, 'stopped'))).toBe(false)
})

test('with --no-tls on both sides peers use plain HTTP, and other peers are not sent to them', async () => {
  const peer = await ada.start('peer start --no-tls --listen 127.0.0.1:0')
  expect(peer.ready.url).toMatch(/^http:/)
  const source = await share('plain', MIB)
  expect(await bob.fails('peer download team:plain --once --wait 2s')).toMatchObject({
    exit: 8,
    code: 'NO_PEER',
  })
  await bob.ok('peer download team:plain --once --no-tls')
  expect(sha256(join(bob.folder, 'plain'))).toBe(sha256(source))
  expect(await peer.end('SIGTERM')).toBe(143)
})

test('only its owner can read the home', async () => {
  await share('owner', 10)
  for (const name of ['session.json', 'peer.sock', 'peer.log'])
    expect(statSync(join(ada.folder, name)).mode & 0o077).toBe(0)
})
