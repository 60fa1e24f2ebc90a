import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Home, World } from '../../testkit/shoal.ts'

const world = new World()
let ada: Home
beforeAll(async () => {
  await world.tracker()
  ada = await world.home('ada').join('ada')
  await ada.ok('group create team')
  writeFileSync(join(ada.folder, 'file'), 'content')
  mkdirSync(join(ada.folder, 'empty'))
})
afterAll(() => world.close())

test.each([
  // the command line itself
  ['frobnicate', 2, 'USAGE'],
  ['group frobnicate', 2, 'USAGE'],
  ['group create', 2, 'USAGE'],
  ['group create a b', 2, 'USAGE'],
  ['group create a --frob', 2, 'USAGE'],
  ['group list --progress loud', 2, 'USAGE'],
  ['peer upload file', 2, 'USAGE'],
  ['peer upload file --group', 2, 'USAGE'],
  ['tracker start --listen nowhere', 2, 'USAGE'],
  ['tracker start --listen 127.0.0.1:99999', 2, 'USAGE'],
  ['tracker start --tls-cert x', 2, 'USAGE'],
  ['tracker start --url ftp://t1', 2, 'BAD_CONFIG'],
  ['peer download team:x --wait soon', 2, 'USAGE'],
  ['peer download team:x --max-down fast', 2, 'USAGE'],
  ['peer download team', 2, 'USAGE'],
  ['peer download :x', 2, 'USAGE'],
  ['peer upload - file --group team --as x', 2, 'USAGE'],
  ['peer upload empty --group team', 2, 'USAGE'],
  // names
  ['group create ../etc', 2, 'BAD_NAME'],
  ['user register a/b', 2, 'BAD_NAME'],
  ['peer download team:../../etc/passwd', 2, 'BAD_NAME'],
  ['peer download team:/etc/passwd', 2, 'BAD_NAME'],
  ['peer upload file --group team --as ../file', 2, 'BAD_NAME'],
  ['peer upload file --group team --as C:file', 2, 'BAD_NAME'],
  // missing things
  ['group show nowhere', 5, 'GROUP_NOT_FOUND'],
  ['peer download nowhere:x', 5, 'GROUP_NOT_FOUND'],
  ['peer upload file --group nowhere', 5, 'GROUP_NOT_FOUND'],
  ['peer download team:missing', 5, 'FILE_NOT_FOUND'],
  ['peer remove team:missing', 5, 'FILE_NOT_FOUND'],
  // the file system
  ['peer upload missing --group team', 10, 'PATH_NOT_FOUND'],
  ['peer upload file/below --group team', 10, 'PATH_IN_THE_WAY'],
  ['group list --home file/below', 10, 'PATH_IN_THE_WAY'],
  ['group list --tracker-ca missing', 10, 'PATH_NOT_FOUND'],
  // unreachable or wrong servers
  ['group list --tracker 127.0.0.1:1', 7, 'TRACKER_UNREACHABLE'],
  ['group list --tracker ftp://127.0.0.1', 2, 'BAD_CONFIG'],
  ['tracker start --listen 127.0.0.1:0 --redis redis://127.0.0.1:1', 7, 'REDIS_UNREACHABLE'],
])('shoal %s exits with %d %s and a hint', async (line, exit, code) => {
  const error = await ada.fails(line)
  expect([error.exit, error.code]).toEqual([exit, code])
  expect(error.message).toMatch(/^\S[^\n]*$/)
  expect(error.hint).toMatch(/\w/)
})

test('the failed commands above changed nothing', async () => {
  expect(await ada.ok('group list')).toMatchObject({ groups: [{ group: 'team', members: 1 }] })
  expect(await ada.ok('group files team')).toEqual({ files: [] })
})

test('a broken config.json is named in the error, and both valid forms are read', async () => {
  const [tracker] = world.trackers
  const { hostname, port } = new URL(tracker as string)
  const config = join(ada.folder, 'config.json')
  const unset = { env: { SHOAL_TRACKER: '' } }
  writeFileSync(config, '{"trackers":')
  const broken = await ada.fails('group list', unset)
  expect(broken).toMatchObject({ exit: 2, code: 'BAD_CONFIG' })
  expect(broken.message).toContain(config)
  for (const form of [{ ip: hostname, port }, tracker]) {
    writeFileSync(config, JSON.stringify({ trackers: [form] }))
    expect(await ada.ok('group list', unset)).toMatchObject({ groups: [{ group: 'team' }] })
  }
  expect(await ada.fails('group list --tracker 127.0.0.1:1')).toMatchObject({ exit: 7 })
})

test('without any tracker configured the default one is asked, and the error names it', async () => {
  const error = await world.home('fresh').fails('user login ada', { env: { SHOAL_TRACKER: '' } })
  // If another tracker runs on this machine, it does not know ada.
  expect([3, 7]).toContain(error.exit)
  if (error.exit === 7) expect(error.message).toContain('127.0.0.1:8080')
})

test.each([
  ['HTML', 'text/html', '<html></html>', 200],
  ['JSON of another shape', 'application/json', '{"users":[]}', 200],
  ['half a document', 'application/json', '{"groups":[', 200],
  ['an error of another shape', 'application/json', '{"error":"no"}', 500],
])('a server that answers %s is not used as a tracker', async (_, type, body, status) => {
  const server = await serve((_request, response) => {
    response.writeHead(status, { 'content-type': type }).end(body)
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    const error = await ada.fails(`group list --tracker ${url}`)
    expect(error).toMatchObject({ exit: 7, code: 'TRACKER_BAD_ANSWER' })
    expect(await ada.ok(`group list --tracker ${url},${world.trackers[0]}`)).toMatchObject({ groups: [{}] })
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('a pipe that is closed early is not an error', async () => {
  const child = ada.spawn('group list')
  child.stdout?.destroy()
  const errors: Buffer[] = []
  child.stderr?.on('data', (part: Buffer) => errors.push(part))
  const code = await new Promise((resolve) => child.once('close', resolve))
  expect([code, Buffer.concat(errors).toString()]).toEqual([0, ''])
})

function serve(answer: Parameters<typeof createServer>[1]): Promise<Server> {
  const server = createServer(answer as never)
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}
