import { execFileSync, spawn } from 'node:child_process'
import { randomBytes, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import {
  constants,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Home } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'
import { ada, bob, useTwoHomes } from '../support/two-homes.ts'

const CHUNK = 512 * 1024
useTwoHomes({ withPeers: true })

interface Downloaded {
  files: { bytesFetched: number; bytesReused: number; reusedFrom: string[] }[]
}

/** Shares random bytes as `name` and returns them. */
async function share(name: string, size = CHUNK + 1): Promise<Buffer> {
  const bytes = randomBytes(size)
  const path = join(ada.folder, name)
  writeFileSync(path, bytes)
  await ada.ok(['peer', 'upload', path, '--group', 'team', '--as', name])
  return bytes
}

/** Names that the home's peer serves. */
async function seededBy(home: Home): Promise<string[]> {
  const { seeding } = await home.ok<{ seeding: { name: string }[] }>('peer status')
  return seeding.map(({ name }) => name)
}

/** Waits until the tracker names a peer that has all of the file. */
async function announced(name: string): Promise<void> {
  await until(async () => {
    const { files } = await bob.ok<{ files: { seeders: number }[] }>(['group', 'files', 'team', name])
    return files[0]?.seeders === 1
  })
}

const refused = { exit: 10, code: 'PATH_IN_THE_WAY' }

test('a download replaces a file of the user only with --force', async () => {
  const bytes = await share('one')
  const path = join(bob.folder, 'thesis.txt')
  writeFileSync(path, 'years of work')
  const failure = await bob.fails(['peer', 'download', 'team:one', '-o', path])
  expect(failure).toMatchObject(refused)
  expect(failure.hint).toContain('--force')
  expect(readFileSync(path, 'utf8')).toBe('years of work')
  expect(readdirSync(bob.folder).filter((name) => name.includes('thesis'))).toEqual(['thesis.txt'])
  await bob.ok(['peer', 'download', 'team:one', '-o', path, '--force'])
  expect(readFileSync(path).equals(bytes)).toBe(true)
})

test('a new version replaces the earlier download, and the same version is reused', async () => {
  await share('two')
  const path = join(bob.folder, 'two')
  await bob.ok(['peer', 'download', 'team:two', '-o', path])
  const bytes = await share('two')
  await bob.ok(['peer', 'download', 'team:two', '-o', path])
  expect(readFileSync(path).equals(bytes)).toBe(true)
  const again = await bob.ok<Downloaded>(['peer', 'download', 'team:two', '-o', path])
  expect(again.files).toMatchObject([{ bytesFetched: 0, bytesReused: CHUNK + 1, reusedFrom: [path] }])
  const elsewhere = join(bob.folder, 'two-too')
  const copy = await bob.ok<Downloaded>(['peer', 'download', 'team:two', '-o', elsewhere])
  expect(copy.files).toMatchObject([{ bytesFetched: 0, reusedFrom: [path] }])
})

test('a downloaded file that was edited is not replaced', async () => {
  await share('three')
  const path = join(bob.folder, 'three')
  await bob.ok(['peer', 'download', 'team:three', '-o', path])
  writeFileSync(path, 'my notes')
  await share('three')
  expect(await bob.fails(['peer', 'download', 'team:three', '-o', path])).toMatchObject(refused)
  expect(readFileSync(path, 'utf8')).toBe('my notes')
})

test('an existing file with the same content is kept, whoever created it', async () => {
  const bytes = await share('four')
  const path = join(bob.folder, 'four')
  writeFileSync(path, bytes)
  utimesSync(path, 1, 1)
  const { files } = await bob.ok<Downloaded>(['peer', 'download', 'team:four', '-o', path])
  expect(files).toMatchObject([{ bytesFetched: 0, reusedFrom: [path] }])
  expect(lstatSync(path).mtimeMs).toBe(1000)
})

test('a download replaces a symbolic link at the target only with --force, and never the file that it leads to', async () => {
  await share('five')
  const target = join(bob.folder, 'linked-to')
  const path = join(bob.folder, 'link')
  writeFileSync(target, 'kept')
  symlinkSync(target, path)
  expect(await bob.fails(['peer', 'download', 'team:five', '-o', path])).toMatchObject(refused)
  expect(readFileSync(target, 'utf8')).toBe('kept')
  expect(lstatSync(path).isSymbolicLink()).toBe(true)
  await bob.ok(['peer', 'download', 'team:five', '-o', path, '--force'])
  expect(lstatSync(path).isFile()).toBe(true)
  expect(readFileSync(target, 'utf8')).toBe('kept')
})

test('a copy that its group removed is an earlier version of what is shared under the name later', async () => {
  await share('removed')
  const path = join(bob.folder, 'removed')
  await bob.ok(['peer', 'download', 'team:removed', '-o', path])
  await ada.ok('peer remove team:removed')
  await until(async () => !(await seededBy(bob)).includes('removed'))
  const bytes = await share('removed')
  await bob.ok(['peer', 'download', 'team:removed', '-o', path])
  expect(readFileSync(path).equals(bytes)).toBe(true)
})

test('a damaged copy is fetched again', async () => {
  const bytes = await share('damaged')
  const path = join(bob.folder, 'damaged')
  await bob.ok(['peer', 'download', 'team:damaged', '-o', path])
  const time = join(bob.folder, 'time')
  execFileSync('touch', ['-r', path, time])
  writeFileSync(path, Buffer.concat([Buffer.from('rot'), bytes.subarray(3)]))
  execFileSync('touch', ['-r', time, path])
  expect((await bob.run(['peer', 'verify', 'team:damaged'])).code).toBe(9)
  await bob.ok(['peer', 'download', 'team:damaged', '-o', path])
  expect(readFileSync(path).equals(bytes)).toBe(true)
})

test('after a crash that left both names of a finished download, the next one touches neither', async () => {
  const bytes = await share('crashed')
  const path = join(bob.folder, 'crashed')
  await bob.ok(['peer', 'download', 'team:crashed', '-o', path])
  linkSync(path, `${path}.shoal-part`)
  const moved = join(bob.folder, 'moved-away')
  renameSync(path, moved)
  const newer = await share('crashed')
  await bob.ok(['peer', 'download', 'team:crashed', '-o', path])
  expect(readFileSync(path).equals(newer)).toBe(true)
  expect(readFileSync(moved).equals(bytes)).toBe(true)
  linkSync(path, `${path}.shoal-part`)
  await bob.ok(['peer', 'download', 'team:crashed', '-o', path])
  expect(existsSync(`${path}.shoal-part`)).toBe(false)
})

test('--force replaces neither a FIFO nor what a folder of FIFOs holds', async () => {
  await share('node')
  const folder = join(bob.folder, 'nodes')
  mkdirSync(folder)
  execFileSync('mkfifo', [join(folder, 'node')])
  expect(await bob.fails(['peer', 'download', 'team:node', '-o', folder, '--force'])).toMatchObject(refused)
  expect(lstatSync(join(folder, 'node')).isFIFO()).toBe(true)
  expect(readdirSync(folder)).toEqual(['node'])
})

test('an empty file is not said to have been here', async () => {
  await share('empty', 0)
  const { stdout } = await bob.run('peer download team:empty -o empty-file')
  expect(stdout.toString()).not.toContain('already here')
})

test('one foreign file in a folder stops the download before anything is written', async () => {
  mkdirSync(join(ada.folder, 'sub'))
  await share('sub/a')
  await share('sub/b')
  const folder = join(bob.folder, 'sub')
  mkdirSync(folder)
  writeFileSync(join(folder, 'b'), 'mine')
  expect(await bob.fails(['peer', 'download', 'team:sub', '-o', folder])).toMatchObject(refused)
  expect(readdirSync(folder)).toEqual(['b'])
})

test('of two downloads of different files to one place, also by a link, one is refused and the other is whole', async () => {
  const contents = [await share('left', 6 * CHUNK), await share('right', 6 * CHUNK)]
  const path = join(bob.folder, 'contested')
  symlinkSync(bob.folder, join(bob.folder, 'linked'))
  const get = (name: string, to: string): ReturnType<Home['run']> =>
    bob.run(['peer', 'download', `team:${name}`, '-o', to, '--max-down', '6MB', '--json'])
  const alias = join(bob.folder, 'linked', 'contested')
  const outcomes = await Promise.all([get('left', path), get('right', alias)])
  expect(outcomes.map(({ code }) => code).sort()).toEqual([0, 10])
  const winner = outcomes.findIndex(({ code }) => code === 0)
  expect(readFileSync(path).equals(contents[winner]!)).toBe(true)
})

test('a FIFO gets the bytes in order and stays a FIFO', async () => {
  const bytes = await share('six', 3 * CHUNK + 7)
  const fifo = join(bob.folder, 'pipe')
  execFileSync('mkfifo', [fifo])
  const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'inherit'] })
  const parts: Buffer[] = []
  reader.stdout.on('data', (part: Buffer) => parts.push(part))
  await bob.ok(['peer', 'download', 'team:six', '-o', fifo])
  if (reader.exitCode === null) await once(reader, 'close')
  expect(Buffer.concat(parts).equals(bytes)).toBe(true)
  expect(lstatSync(fifo).isFIFO()).toBe(true)
})

test('a download to a FIFO ends when its reader goes away', async () => {
  await share('seven', 8 * CHUNK)
  const fifo = join(bob.folder, 'short-pipe')
  execFileSync('mkfifo', [fifo])
  const reader = spawn('head', ['-c', '1', fifo], { stdio: 'ignore' })
  const failure = await bob.fails(['peer', 'download', 'team:seven', '-o', fifo, '--max-down', '8MB'])
  if (reader.exitCode === null) await once(reader, 'close')
  expect(failure).toMatchObject({ exit: 10 })
})

test('a download to a FIFO ends on SIGTERM although its reader has stopped reading', async () => {
  await share('stalled', 4 * CHUNK)
  const fifo = join(bob.folder, 'stalled-pipe')
  execFileSync('mkfifo', [fifo])
  const reader = await open(fifo, constants.O_RDWR)
  try {
    const child = bob.spawn(['peer', 'download', 'team:stalled', '-o', fifo, '--progress', 'ndjson'])
    let events = ''
    child.stderr?.on('data', (part: Buffer) => {
      events += part
    })
    await until(() => events.includes('"event":"done"'), 20_000)
    child.kill('SIGTERM')
    const [code] = await once(child, 'close', { signal: AbortSignal.timeout(10_000) })
    expect(code).toBe(143)
  } finally {
    await reader.close()
  }
})

test.each(['/dev/stdout', '/dev/fd/1', '/proc/self/fd/1'])(
  'a download to %s writes the bytes and nothing else to standard output',
  async (path) => {
    const bytes = await share('stdout')
    const { code, stdout, stderr } = await bob.run(['peer', 'download', 'team:stdout', '-o', path])
    expect(code).toBe(0)
    expect(stdout.equals(bytes)).toBe(true)
    expect(stderr).toContain('Downloaded')
  },
)

test.each([
  ['standard output', '/dev/stdout', '>>'],
  ['another descriptor', '/dev/fd/5', '5>>'],
])('a download to %s that appends to a file keeps what the file has', async (_, path, redirection) => {
  const bytes = await share('appended')
  const file = join(bob.folder, `log-${redirection.length}`)
  writeFileSync(file, 'kept')
  const under = ['sh', '-c', `exec "$0" "$@" ${redirection}${file}`]
  const { code, stderr } = await bob.run(['peer', 'download', 'team:appended', '-o', path], { under })
  expect([code, stderr]).toEqual([0, expect.anything()])
  expect(readFileSync(file).equals(Buffer.concat([Buffer.from('kept'), bytes]))).toBe(true)
})

test('a Metalink replaces an older Metalink and nothing else, and so do its certificates', async () => {
  await share('eight')
  await announced('eight')
  const [path, pem] = [join(bob.folder, 'eight.meta4'), join(bob.folder, 'peers.pem')]
  const write = (...words: string[]): string[] => ['metalink', 'team:eight', ...words]
  await bob.ok(write('-o', path, '--ca-file', pem))
  await bob.ok(write('-o', path, '--ca-file', pem))
  expect(new X509Certificate(readFileSync(pem)).subject).toBeDefined()

  const foreign = {
    'notes.txt': 'notes',
    'other.meta4': '<?xml version="1.0" encoding="UTF-8"?>\n<metalink/>',
  }
  for (const [name, text] of Object.entries(foreign)) {
    const other = join(bob.folder, name)
    writeFileSync(other, text)
    expect(await bob.fails(write('-o', other))).toMatchObject(refused)
    expect(readFileSync(other, 'utf8')).toBe(text)
    await bob.ok(write('-o', other, '--force'))
    expect(readFileSync(other, 'utf8')).toContain('<generator>Shoal</generator>')
  }

  const bundle = join(bob.folder, 'ca-certificates.crt')
  writeFileSync(bundle, readFileSync(pem, 'utf8').replace(/^#.*\n/, ''))
  expect(await bob.fails(write('-o', path, '--ca-file', bundle))).toMatchObject(refused)
})

test('a Metalink goes into a FIFO or to standard output, and replaces no FIFO', async () => {
  await share('nine')
  await announced('nine')
  const fifo = join(bob.folder, 'meta-pipe')
  execFileSync('mkfifo', [fifo])
  const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'inherit'] })
  let read = ''
  reader.stdout.on('data', (part: Buffer) => {
    read += part
  })
  await bob.ok(['metalink', 'team:nine', '-o', fifo, '--force'])
  if (reader.exitCode === null) await once(reader, 'close')
  expect(lstatSync(fifo).isFIFO()).toBe(true)
  const { stdout } = await bob.run('metalink team:nine -o -')
  for (const text of [read, stdout.toString()]) expect(text).toMatch(/^<\?xml [\s\S]*<\/metalink>\n$/)
})
