import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { packTar, type TarEntry } from 'modern-tar'
import { type Home, World } from '../../testkit/shoal.ts'

const EXAMPLE = join(import.meta.dirname, '../../examples/plugin')

const world = new World()
const servers: Server[] = []
afterAll(async () => {
  await world.close()
  for (const server of servers) server.close()
})

/** A folder with a plugin made of these files. */
function pluginFolder(name: string, files: Record<string, string>, pjson: object = {}): string {
  const folder = world.path('made', name)
  mkdirSync(folder, { recursive: true })
  const all = {
    'package.json': JSON.stringify({ name, version: '1.0.0', type: 'module', ...pjson }),
    ...files,
  }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

const helloCommand = (said: string): string =>
  `import { ShoalCommand } from '@shoal/plugin'
   export default class Hello extends ShoalCommand {
     static summary = 'Say it'
     async run() { this.print({ said: ${JSON.stringify(said)} }, ${JSON.stringify(said)}) }
   }`
const indexOf = (parts: string): string => `export default { ${parts} }`
const helloPlugin = (name: string, said: string, version = '1.0.0'): string =>
  pluginFolder(
    name,
    {
      'index.js': indexOf(`commands: { '${name}:say': () => import('./hello.js') }`),
      'hello.js': helloCommand(said),
    },
    { version },
  )

async function tarballOf(name: string, entries: TarEntry[]): Promise<string> {
  const file = world.path(`${name}.tgz`)
  writeFileSync(file, gzipSync(await packTar(entries)))
  return file
}

const fileEntry = (name: string, body: string): TarEntry => ({
  header: { name, size: Buffer.byteLength(body), type: 'file' },
  body,
})

const names = async (home: Home): Promise<string[]> => {
  const { plugins } = await home.ok<{ plugins: { name: string; builtIn: boolean }[] }>('plugins list')
  return plugins.filter(({ builtIn }) => !builtIn).map(({ name }) => name)
}

test("the installed example plugin's command, tracker route and chunk source work", async () => {
  const content = Buffer.from(Array.from({ length: 1_200_000 }, (_, at) => at % 251))
  let asked = 0
  const web = createServer((request, response) => {
    if (request.url !== '/files/team/deep/a%20file') return void response.writeHead(404).end()
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    if (request.method === 'HEAD')
      return void response.writeHead(200, { 'content-length': content.length }).end()
    asked++
    response.writeHead(206).end(content.subarray(Number(first), Number(last) + 1))
  })
  servers.push(web)
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/files`
  const env = { SHOAL_ORIGIN_URL: url }

  const operator = world.home('operator')
  expect(await operator.ok(['plugins', 'install', EXAMPLE])).toMatchObject({
    name: 'shoal-plugin-origin',
    version: '1.0.0',
    commands: ['origin'],
    replaced: null,
  })
  const tracker = await operator.start('tracker start --listen 127.0.0.1:0', { env })
  world.trackers.push(tracker.ready.url as string)
  const redirect = await fetch(`${tracker.ready.url}/origin/team/deep/a%20file`, { redirect: 'manual' })
  expect(redirect.headers.get('location')).toBe(`${url}/team/deep/a%20file`)

  const ada = await world.home('ada').join('ada')
  await ada.ok('group create team')
  writeFileSync(join(ada.folder, 'file'), content)
  await ada.ok(['peer', 'upload', 'file', '--group', 'team', '--as', 'deep/a file', '--once'])

  // Ada's peer is gone, so all bytes must come from the web server.
  const bob = await world.home('bob').join('bob')
  await bob.ok('group join team')
  await ada.ok('group accept team bob')
  await bob.ok(['plugins', 'install', EXAMPLE])
  expect(await bob.ok(['origin', 'team:deep/a file'], { env })).toEqual({
    name: 'deep/a file',
    url: `${url}/team/deep/a%20file`,
    there: true,
    size: content.length,
  })
  await bob.ok(['peer', 'download', 'team:deep/a file', '-o', 'got', '--once'], { env })
  expect(readFileSync(join(bob.folder, 'got')).equals(content)).toBe(true)
  expect(asked).toBe(3)
}, 120_000)

test('installing a newer version replaces the old one, and uninstalling removes its command', async () => {
  const home = world.home('versions')
  await home.ok(['plugins', 'install', helloPlugin('shoal-plugin-greet', 'one')])
  expect(await home.ok('shoal-plugin-greet say')).toEqual({ said: 'one' })
  const second = await home.ok(['plugins', 'install', helloPlugin('shoal-plugin-greet', 'two', '2.0.0')])
  expect(second).toMatchObject({ version: '2.0.0', replaced: '1.0.0' })
  expect(await home.ok('shoal-plugin-greet say')).toEqual({ said: 'two' })
  expect(await names(home)).toEqual(['shoal-plugin-greet'])
  expect((await home.ok('plugins uninstall greet')).name).toBe('shoal-plugin-greet')
  expect(await home.fails('shoal-plugin-greet say')).toMatchObject({ exit: 2, code: 'USAGE' })
  expect(await home.fails('plugins uninstall greet')).toMatchObject({ exit: 5, code: 'PLUGIN_NOT_FOUND' })
  expect(readdirSync(join(home.folder, 'plugins'))).toEqual(['node_modules'])
})

test('an npm tarball is installed with its bundled packages', async () => {
  const home = world.home('tarball')
  const tarball = await tarballOf('good', [
    fileEntry(
      'package/package.json',
      '{"name":"@acme/shoal-plugin-good","version":"1.2.3","type":"module","main":"lib/main.js"}',
    ),
    fileEntry('package/lib/main.js', indexOf("commands: { good: () => import('./good.js') }")),
    fileEntry('package/lib/good.js', `import said from 'said'\n${helloCommand('x').replace('"x"', 'said')}`),
    fileEntry(
      'package/node_modules/said/package.json',
      '{"name":"said","version":"1.0.0","type":"module","exports":"./said.js"}',
    ),
    fileEntry('package/node_modules/said/said.js', 'export default "brought along"'),
  ])
  await home.ok(['plugins', 'install', tarball])
  expect(await home.ok('good')).toEqual({ said: 'brought along' })
})

test('a tarball with a path that leads out, a link, or too much data is refused and leaves nothing behind', async () => {
  const home = world.home('hostile')
  const pjson = fileEntry('package/package.json', '{"name":"bad","version":"1.0.0"}')
  const hostile: Record<string, TarEntry[]> = {
    'leads out': [pjson, fileEntry('package/../../../evil', 'x')],
    'leads out of': [pjson, fileEntry('/evil/file', 'x')],
    'is a symlink': [
      pjson,
      { header: { name: 'package/link', size: 0, type: 'symlink', linkname: '/etc/passwd' } },
    ],
    'is a link': [
      pjson,
      { header: { name: 'package/hard', size: 0, type: 'link', linkname: 'package/package.json' } },
    ],
    'is larger than': [pjson, fileEntry('package/zeros', '0'.repeat(130 * 1024 * 1024))],
  }
  for (const [why, entries] of Object.entries(hostile)) {
    const failure = await home.fails(['plugins', 'install', await tarballOf('hostile', entries)])
    expect(failure.message).toContain(why)
  }
  writeFileSync(world.path('noise.tgz'), 'no gzip at all')
  expect(await home.fails(['plugins', 'install', world.path('noise.tgz')])).toMatchObject({
    exit: 2,
    code: 'PLUGIN_BROKEN',
  })
  expect(await home.fails(['plugins', 'install', world.path('nowhere.tgz')])).toMatchObject({ exit: 10 })
  expect(readdirSync(join(home.folder, 'plugins'))).toEqual([])
  expect(existsSync(join(home.folder, 'evil'))).toBe(false)
}, 120_000)

test('a plugin that lacks a package, throws, exports nothing or conflicts with another is refused by name', async () => {
  const home = world.home('refused')
  await home.ok(['plugins', 'install', helloPlugin('first', 'x')])
  const refused: [string, Record<string, string>, object, string][] = [
    [
      'lacking',
      { 'index.js': "import '@acme/missing/part'" },
      {},
      'the plugin lacking does not contain the package @acme/missing',
    ],
    [
      'throwing',
      { 'index.js': "throw new Error('at once')" },
      {},
      'the plugin throwing cannot be loaded: at once',
    ],
    ['empty', { 'index.js': 'export const x = 1' }, {}, 'is not { commands, tracker, peer }'],
    [
      'seam',
      { 'index.js': indexOf("peer: () => import('./p.js')"), 'p.js': '' },
      {},
      'the default export of its peer module is not a function',
    ],
    [
      'command',
      { 'index.js': indexOf("commands: { upload: () => import('./c.js') }"), 'c.js': helloCommand('') },
      {},
      'and Shoal itself both have a command "upload"',
    ],
    [
      'second',
      { 'index.js': indexOf("commands: { 'first:say': () => import('./c.js') }"), 'c.js': helloCommand('') },
      {},
      'and the plugin first both have a command "first say"',
    ],
    [
      'words',
      { 'index.js': indexOf("commands: { 'a:b:c': () => import('./c.js') }"), 'c.js': helloCommand('') },
      {},
      '"a:b:c" is neither',
    ],
    ['metrics', { 'index.js': indexOf('') }, {}, 'the plugin @shoal/plugin-metrics already exists'],
    ['nameless', { 'index.js': indexOf('') }, { name: '../../x' }, 'no valid "name"'],
  ]
  for (const [name, files, pjson, why] of refused) {
    const failure = await home.fails(['plugins', 'install', pluginFolder(name, files, pjson)])
    expect(failure.message).toContain(why)
  }
  expect(await names(home)).toEqual(['first'])
}, 120_000)

test('broken installed plugins are named and skipped, and everything else works', async () => {
  const home = world.home('broken')
  const installed = (folder: string): string => join(home.folder, 'plugins', folder)
  await home.ok(['plugins', 'install', helloPlugin('works', 'still')])
  for (const name of ['manifest', 'pjson', 'module', 'bug'])
    await home.ok(['plugins', 'install', helloPlugin(name, 'x')])
  writeFileSync(join(installed('manifest'), 'oclif.manifest.json'), '{"commands":{"manifest:say":{}}}')
  writeFileSync(join(installed('pjson'), 'package.json'), '{')
  writeFileSync(join(installed('module'), 'index.js'), 'export default {')
  writeFileSync(
    join(installed('bug'), 'hello.js'),
    helloCommand('x').replace('async run() {', "async run() { throw new TypeError('oops');"),
  )
  cpSync(installed('works'), installed('copy'), { recursive: true })

  const outcome = await home.run('works say')
  expect([outcome.code, outcome.stdout.toString()]).toEqual([0, 'still\n'])
  expect(outcome.stderr).toContain(
    'the plugin manifest is skipped: its oclif.manifest.json does not describe the command',
  )
  expect(outcome.stderr).toMatch(/the plugin pjson is skipped: .* is not JSON/)
  expect(outcome.stderr).toContain('the plugin works is skipped: the plugin works already exists')
  const { broken } = await home.ok<{ broken: { folder: string }[] }>('plugins list')
  expect(broken.map(({ folder }) => folder)).toEqual(['manifest', 'pjson', 'works'])

  const module = await home.fails('module say')
  expect(module).toMatchObject({ exit: 2, code: 'PLUGIN_BROKEN' })
  expect(module.message).toContain('the plugin module cannot load its command module say')
  const bug = await home.fails('bug say')
  expect(bug).toMatchObject({ exit: 1, code: 'INTERNAL', message: 'oops' })
  expect(bug.hint).toContain('a bug in the plugin bug')
  for (const name of ['manifest', 'pjson', 'module']) await home.ok(`plugins uninstall ${name}`)
  expect((await home.run('works say')).stderr).toContain('works')
}, 120_000)

test('install refuses a folder that is not a plugin, contains the home or contains a pipe; a broken plugins/ stops no command', async () => {
  const home = world.home('odd')
  expect(await home.fails(['plugins', 'install', world.folder])).toMatchObject({
    exit: 10,
    code: 'PATH_NOT_FOUND',
  })
  writeFileSync(join(home.folder, 'package.json'), '{"name":"home","version":"1.0.0"}')
  expect(await home.fails('plugins install .')).toMatchObject({ exit: 2, code: 'PLUGIN_BROKEN' })
  const pipe = pluginFolder('pipe', { 'index.js': indexOf('') })
  execFileSync('mkfifo', [join(pipe, 'pipe')])
  expect(await home.fails(['plugins', 'install', pipe])).toMatchObject({ exit: 2, code: 'PLUGIN_BROKEN' })
  rmSync(join(home.folder, 'plugins'), { recursive: true })
  writeFileSync(join(home.folder, 'plugins'), 'a file')
  const listed = await home.run('licenses')
  expect([listed.code, listed.stderr]).toEqual([0, expect.stringContaining('plugins is skipped')])
})

test('a tracker and a peer survive errors thrown by their plugin parts', async () => {
  const home = world.home('seams')
  const seam = {
    'index.js': indexOf("tracker: () => import('./tracker.js'), peer: () => import('./peer.js')"),
    'peer.js':
      "export default ({ onDownloaded }) => { onDownloaded(async () => { throw new Error('heard') }) }",
    'tracker.js': "export default ({ app }) => { app.get('/v1/mine', () => 'x') }",
  }
  await home.ok(['plugins', 'install', pluginFolder('seams', seam)])
  await home.ok([
    'plugins',
    'install',
    pluginFolder('late', {
      ...seam,
      'peer.js': 'export default () => {}',
      'tracker.js': 'export default () => {}',
    }),
  ])
  writeFileSync(join(home.folder, 'plugins/late/index.js'), "throw new Error('too late')")
  let errors = ''
  const child = home.spawn('tracker start --listen 127.0.0.1:0')
  child.stderr?.on('data', (part: Buffer) => {
    errors += part
  })
  const line = await new Promise<string>((resolve) =>
    child.stdout?.once('data', (part) => resolve(String(part))),
  )
  const { url } = JSON.parse(line)
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  expect((await fetch(`${url}/v1/mine`)).status).toBe(404)
  expect(errors).toContain('the plugin late is skipped: too late')
  expect(errors).toContain('the plugin seams is left out: it failed to start')

  const env = { SHOAL_TRACKER: url }
  await home.ok('user register eve', { env })
  await home.ok('user login eve', { env })
  await home.ok('group create own', { env })
  writeFileSync(join(home.folder, 'file'), 'some text')
  await home.ok('peer upload file --group own --once', { env })
  const got = await home.run('peer download own:file -o copy --once', { env })
  expect([got.code, readFileSync(join(home.folder, 'copy'), 'utf8')]).toEqual([0, 'some text'])
  expect(got.stderr).toContain('the plugin seams failed at a download: heard')
  child.kill()
}, 120_000)
