import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../testkit/redis-process.ts'
import { World } from '../../testkit/shoal.ts'

const root = join(import.meta.dirname, '../..')
const world = new World()

afterAll(() => world.close())

/**
 * The tour of the README, with the tracker on a free port: as written with the sources, and by `npm run
 * test:binary` with the single binary.
 */
function tour(port: number): string {
  const [, script = ''] =
    /^```sh tour\n([\s\S]*?)^```/m.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
  const folder = process.env.SHOAL_BIN ? 'dist' : 'bin'
  return script
    .replace('$PWD/bin:', `$PWD/${folder}:`)
    .replace('tracker start --detach', `tracker start --detach --listen 127.0.0.1:${port}`)
}

test("the README's tour works as written and leaves nothing running", async () => {
  const port = await freePort()
  const outside = Object.entries(process.env).filter(([name]) => !/^(SHOAL_|XDG_|NODE_ENV$)/.test(name))
  const env = {
    ...Object.fromEntries(outside),
    HOME: world.folder,
    TMPDIR: world.folder,
    SHOAL_TRACKER: `http://127.0.0.1:${port}`,
    SHOAL_PASSWORD: 'correct horse battery',
  }
  const shell = spawn('sh', ['-e', '-c', tour(port)], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const output: Buffer[] = []
  for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (part: Buffer) => output.push(part))
  const [code] = (await once(shell, 'close')) as [number | null]
  const said = Buffer.concat(output).toString()
  expect([code, said]).toEqual([0, expect.stringContaining('Stopped the tracker')])
  expect(said).toContain('it runs')
  expect(said).toContain('2 users, 1 group, 2 files, 2 swarms, 2 peers')
}, 120_000)
