import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Home } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'
import { aria2, tested } from '../support/programs.ts'
import { ada, bob, useTwoHomes, world } from '../support/two-homes.ts'

interface Written {
  files: { name: string; size: number; urls: string[] }[]
  certificate: string
  expires: string
}

interface Listed {
  files: { seeders: number }[]
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
