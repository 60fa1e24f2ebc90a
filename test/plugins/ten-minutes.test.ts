import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../testkit/redis-process.ts'
import { World } from '../../testkit/shoal.ts'

const root = join(import.meta.dirname, '../..')
const shoal = resolve(process.env.SHOAL_BIN ?? join(root, 'bin/shoal'))
const [, page = ''] =
  /^## Your first plugin\n([\s\S]*?)^## /m.exec(readFileSync(join(root, 'docs/plugins.md'), 'utf8')) ?? []

const world = new World()
afterAll(() => world.close())

test('following docs/plugins.md to the letter in an empty folder makes a working plugin', async () => {
  const bin = world.path('bin')
  const folder = world.path('shoal-plugin-notes')
  for (const path of [bin, folder, world.path('tmp')]) mkdirSync(path)
  writeFileSync(join(bin, 'shoal'), `#!/bin/sh\nexec '${shoal}' "$@"\n`)
  chmodSync(join(bin, 'shoal'), 0o755)
  const files = [...page.matchAll(/^\*\*([\w.]+)\*\*[^`]*(?:`[^`\n]+`[^`]*)*```\w+\n([\s\S]*?)^```/gm)]
  expect(files.map(([, name]) => name)).toEqual([
    'package.json',
    'index.js',
    'count.js',
    'tracker.js',
    'peer.js',
  ])
  for (const [, name, text] of files) writeFileSync(join(folder, name!), text!)

  const script = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].at(-1)![1]!
  const outside = Object.entries(process.env).filter(([name]) => !/^(SHOAL_|NODE_ENV$|DEBUG$)/.test(name))
  const env = {
    ...Object.fromEntries(outside),
    PATH: `${bin}:${process.env.PATH}`,
    TMPDIR: world.path('tmp'),
  }
  const lines = script.replaceAll('8099', String(await freePort()))
  const { stdout } = await promisify(execFile)('sh', ['-ec', lines], { cwd: folder, env })
  expect(stdout).toContain('{"peers":0}')
  expect(stdout).toMatch(/^1 files$/m)
  expect(stdout).toMatch(/^team:index\.js \/.*\/copy\.js$/m)
}, 60_000)
