import { execFile, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Home } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'
import { ada, bob, useTwoHomes, world } from '../support/two-homes.ts'

interface Written {
  files: { name: string; size: number; urls: string[] }[]
  certificate: string
  expires: string
  links: number
}

interface Listed {
  files: { seeders: number }[]
}

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0
/** Both are Debian packages of that name. If one is missing, this warns and skips its tests. */
function tested(program: string): typeof test {
  if (has(program)) return test
  console.warn(`${program} is not installed: skipping its tests`)
  return test.skip as typeof test
}

const content = randomBytes(3_000_001)
useTwoHomes()
beforeAll(async () => {
  mkdirSync(join(ada.folder, 'tree/in'), { recursive: true })
  writeFileSync(join(ada.folder, 'tree/big <bold>'), content)
  writeFileSync(join(ada.folder, 'tree/in/small'), 'small')
  writeFileSync(join(ada.folder, 'tree/in/empty'), '')
})

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex')
const serve = async (home: Home, words: string[] = []): Promise<{ end(): Promise<unknown> }> => {
  const running = await home.start(['peer', 'start', '--listen', '127.0.0.1:0', ...words])
  await home.ok(['peer', 'upload', 'tree', '--group', 'team', '--as', 'tree', '--files'])
  // The tracker learns of a seed soon, but not at once.
  const served = async () => (await home.ok<Listed>('group files team tree')).files
  await until(async () => (await served()).every(({ seeders }) => seeders > 0))
  return running
}

/** Runs aria2c on a Metalink file; returns its exit status and output. */
async function aria2(
  metalink: string,
  folder: string,
  words: string[] = [],
): Promise<{ code: number; output: string }> {
  const fixed = [
    '--no-conf',
    '--file-allocation=none',
    '--max-tries=1',
    '--allow-overwrite=true',
    '--console-log-level=info',
  ]
  try {
    const { stdout } = await promisify(execFile)(
      'aria2c',
      [...fixed, ...words, '-d', folder, '-M', metalink],
      { maxBuffer: 2 ** 26 },
    )
    return { code: 0, output: stdout }
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string }
    return { code, output: stdout }
  }
}

test('a Metalink file has names, sizes and piece hashes, and only its owner can read it', async () => {
  const peer = await serve(ada, ['--no-tls'])
  const file = world.path('tree.meta4')
  const written = await bob.ok<Written>(['metalink', 'team:tree', '-o', file])
  await peer.end()
  const text = readFileSync(file, 'utf8')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(text).toContain('<metalink xmlns="urn:ietf:params:xml:ns:metalink">')
  expect(text).toContain('<file name="tree/big &lt;bold&gt;">\n    <size>3000001</size>')
  const pieces = [0, 1, 2, 3, 4, 5].map((piece) =>
    sha256(content.subarray(piece * 524_288, (piece + 1) * 524_288)),
  )
  expect([...text.matchAll(/^ {6}<hash>(\w+)</gm)].map(([, hash]) => hash)).toEqual([
    ...pieces,
    sha256('small'),
  ])
  expect([...text.matchAll(/<hash type="sha-256">(\w+)</g)].map(([, hash]) => hash)).toEqual([
    sha256(''),
    sha256('small'),
  ])
  expect(written.files.map(({ name }) => name)).toEqual(['tree/big <bold>', 'tree/in/empty', 'tree/in/small'])
  expect(Date.parse(written.expires)).toBeLessThanOrEqual(Date.now() + 300_000)
  expect(await bob.fails('metalink team:none')).toMatchObject({ exit: 5, code: 'FILE_NOT_FOUND' })
  expect(await bob.fails('metalink team:tree')).toMatchObject({ exit: 8, code: 'NO_PEER' })
}, 60_000)

tested('aria2c')(
  'aria2 fetches a folder from peers, without TLS and over mutual TLS',
  async () => {
    for (const words of [['--no-tls'], []]) {
      const peer = await serve(ada, words)
      const [file, ca, folder] = ['x.meta4', 'ca.pem', `aria2${words}`].map((name) => world.path(name)) as [
        string,
        string,
        string,
      ]
      const { certificate } = await bob.ok<Written>(['metalink', 'team:tree', '-o', file, '--ca-file', ca])
      const tls = [
        `--certificate=${certificate}`,
        `--private-key=${certificate}`,
        `--ca-certificate=${ca}`,
        '--min-tls-version=TLSv1.3',
      ]
      const fetched = await aria2(file, folder, words.length === 0 ? tls : [])
      await peer.end()
      expect(fetched).toMatchObject({ code: 0 })
      expect(readFileSync(join(folder, 'tree/big <bold>')).equals(content)).toBe(true)
      expect(readFileSync(join(folder, 'tree/in/small'), 'utf8')).toBe('small')
      expect(statSync(join(folder, 'tree/in/empty')).size).toBe(0)
    }
  },
  120_000,
)

tested('aria2c')(
  'aria2 detects wrong bytes by the piece hashes',
  async () => {
    const peer = await serve(ada, ['--no-tls'])
    const file = world.path('wrong.meta4')
    await bob.ok(['metalink', 'team:tree/big <bold>', '-o', file])
    await peer.end()
    const spoiled = Buffer.from(content)
    spoiled[2_000_000]! ^= 1
    const liar = createServer((_, response) =>
      response.writeHead(200, { 'content-length': spoiled.length }).end(spoiled),
    )
    await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(liar.address() as AddressInfo).port}/`
    writeFileSync(file, readFileSync(file, 'utf8').replace(/(<url[^>]*>)[^<]*/g, `$1${url}`))
    const fetched = await aria2(file, world.path('spoiled'))
    liar.closeAllConnections()
    liar.close()
    expect(fetched.code).not.toBe(0)
    expect(fetched.output).toMatch(/checksum|hash/i)
  },
  60_000,
)

tested('aria2c')(
  'aria2 refuses a peer with an unknown certificate, and refetches only a damaged piece',
  async () => {
    const peer = await serve(ada)
    const [file, ca, folder] = [world.path('again.meta4'), world.path('again.pem'), world.path('again')]
    const { certificate } = await bob.ok<Written>([
      'metalink',
      'team:tree/big <bold>',
      '-o',
      file,
      '--ca-file',
      ca,
    ])
    const own = [`--certificate=${certificate}`, `--private-key=${certificate}`, '--min-tls-version=TLSv1.3']
    expect((await aria2(file, folder, own)).code).not.toBe(0)
    const given = [...own, `--ca-certificate=${ca}`]
    expect((await aria2(file, folder, given)).code).toBe(0)
    const there = join(folder, 'tree/big <bold>')
    const spoiled = Buffer.from(content)
    spoiled[1_000_000]! ^= 1
    writeFileSync(there, spoiled)
    const again = await aria2(file, folder, [...given, '-V'])
    expect(again.code).toBe(0)
    expect(readFileSync(there).equals(content)).toBe(true)
    const ranges = [...again.output.matchAll(/^Range: (.*?)\r?$/gm)].map(([, range]) => range)
    expect(ranges).toEqual(['bytes=524288-1048575'])
    await peer.end()
  },
  60_000,
)

tested('curl')(
  'curl fetches the same URL, and is refused without the certificate in the grant',
  async () => {
    const peer = await serve(ada)
    const ca = world.path('curl-ca.pem')
    const { files, certificate } = await bob.ok<Written>([
      'metalink',
      'team:tree/in/small',
      '-o',
      world.path('small.meta4'),
      '--ca-file',
      ca,
    ])
    const curl = (...words: string[]): Promise<{ stdout: string }> =>
      promisify(execFile)('curl', [
        '-sS',
        '--noproxy',
        '*',
        '-w',
        ' %{http_code}',
        ...words,
        files[0]!.urls[0]!,
      ])
    expect((await curl('--cacert', ca, '--cert', certificate)).stdout).toBe('small 200')
    expect((await curl('--cacert', ca, '--cert', certificate, '-r', '1-3')).stdout).toBe('mal 206')
    expect((await curl('--cacert', ca)).stdout).toMatch(/GRANT_INVALID.* 403$/)
    await expect(curl('--cert', certificate)).rejects.toThrow(/certificate/)
    await peer.end()
  },
  60_000,
)

const build = { 'bin/tool': Buffer.from('tool'), 'lib/large': content, 'lib/100% é': Buffer.from('odd') }
/** A peer of ada's that serves a snapshot with a link, and the answer of `metalink` to bob. */
async function serveSnapshot(
  words: string[],
  target: string,
): Promise<Written & { end(): Promise<unknown> }> {
  const running = await ada.start(['peer', 'start', '--listen', '127.0.0.1:0', ...words])
  const root = join(ada.folder, 'build')
  for (const [path, data] of Object.entries(build)) {
    mkdirSync(join(root, path, '..'), { recursive: true })
    if (!existsSync(join(root, path))) writeFileSync(join(root, path), data)
  }
  if (!existsSync(join(root, 'run'))) symlinkSync('bin/tool', join(root, 'run'))
  await ada.ok('peer upload build --group team')
  const served = async () => (await ada.ok<Listed>('group files team build')).files
  await until(async () => (await served()).every(({ seeders }) => seeders > 0))
  const file = world.path('build.meta4')
  const written = await bob.ok<Written>([
    ...['metalink', target, '-o', file, '--force', '--ca-file', world.path('build.pem'), ...words],
  ])
  return { ...written, end: () => running.end() }
}

test('the files of a snapshot are listed with their SHA-256, and each URL serves one, whole and in ranges', async () => {
  const { files, links, end } = await serveSnapshot(['--no-tls'], 'team:build')
  const text = readFileSync(world.path('build.meta4'), 'utf8')
  const names = ['build/bin/tool', 'build/lib/100% é', 'build/lib/large']
  expect(files.map(({ name }) => name)).toEqual(names)
  expect([...text.matchAll(/<file name="(.*)">/g)].map(([, name]) => name)).toEqual(names)
  expect(text).not.toContain('<pieces')
  expect(links).toBe(1)
  for (const { name, size, urls } of files) {
    const data = build[name.slice('build/'.length) as keyof typeof build]
    expect(size).toBe(data.length)
    expect(text).toContain(`<hash type="sha-256">${sha256(data)}</hash>`)
    const whole = await fetch(urls[0]!)
    expect(Buffer.from(await whole.arrayBuffer()).equals(data)).toBe(true)
    const range = await fetch(urls[0]!, { headers: { range: 'bytes=1-' } })
    expect(range.status).toBe(206)
    expect(Buffer.from(await range.arrayBuffer()).equals(data.subarray(1))).toBe(true)
  }
  const missing = await fetch(files[0]!.urls[0]!.replace('bin/tool', 'bin/none'))
  expect(missing.status).toBe(404)
  expect(await missing.json()).toMatchObject({ error: { code: 'FILE_NOT_FOUND' } })
  await end()
}, 60_000)

test('a version or a part of a snapshot is listed alone', async () => {
  const { files, end } = await serveSnapshot([], 'team:build@1/lib')
  expect(files.map(({ name }) => name)).toEqual(['build/lib/100% é', 'build/lib/large'])
  expect(await bob.fails('metalink team:build/none')).toMatchObject({ exit: 5, code: 'FILE_NOT_FOUND' })
  await end()
}, 60_000)

tested('curl')(
  'curl fetches a file of a snapshot over mutual TLS, and continues one that was cut short',
  async () => {
    const { files, certificate, end } = await serveSnapshot([], 'team:build/lib/large')
    const target = world.path('large')
    writeFileSync(target, content.subarray(0, 1_000_000))
    await promisify(execFile)('curl', [
      ...['-sS', '--fail', '--noproxy', '*', '--cert', certificate, '--cacert', world.path('build.pem')],
      ...['-C', '-', '-o', target, files[0]!.urls[0]!],
    ])
    expect(readFileSync(target).equals(content)).toBe(true)
    await end()
  },
  60_000,
)

tested('aria2c')(
  'aria2 fetches a snapshot and checks each file',
  async () => {
    const { end } = await serveSnapshot(['--no-tls'], 'team:build')
    const folder = world.path('aria2-build')
    expect(await aria2(world.path('build.meta4'), folder)).toMatchObject({ code: 0 })
    await end()
    for (const [path, data] of Object.entries(build))
      expect(readFileSync(join(folder, 'build', path)).equals(data)).toBe(true)
  },
  60_000,
)
