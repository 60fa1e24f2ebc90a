import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import deno from '../../deno.json' with { type: 'json' }
import pjson from '../../package.json' with { type: 'json' }

const root = join(import.meta.dirname, '../..')
const scripts: Record<string, string> = pjson.scripts
const tasks: Record<string, string> = deno.tasks

/**
 * Scripts that need Node itself: jest's ES modules, the browser driver, and the single binary, which is made
 * of Node.
 */
const NODES_ALONE = /jest|npm (run )?test|build-binary|chromium/

/** The task that corresponds to an npm script. */
function taskOf(name: string, script: string): string {
  if (NODES_ALONE.test(script)) return `npm run ${name} --`
  return script.replace(/^node /, 'scripts/deno run -A ')
}

test('deno task has every npm script, run by Deno where possible, and the program itself', () => {
  // npm runs "pretest" before "test", in the task too.
  const named = Object.entries(scripts).filter(([name]) => !name.startsWith('pre'))
  const { shoal, compile, ...mirrored } = tasks
  expect(mirrored).toEqual(Object.fromEntries(named.map(([name, script]) => [name, taskOf(name, script)])))
  expect(shoal).toBe('scripts/deno run -A bin/run.ts')
  expect(compile).toMatch(/^scripts\/deno compile -A .* bin\/run\.ts$/)
})

/**
 * Without the runtime that `deno compile` downloads, the result is not a program. This covers everything
 * before that: Deno finds every reachable module and checks its types.
 */
test('deno compile finds every module and accepts its types', () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-compile-'))
  try {
    const output = join(folder, 'shoal')
    const words = (tasks.compile as string).split(' ').slice(1)
    words[words.indexOf('--output') + 1] = output
    const deno = execFileSync('scripts/deno', ['eval', 'console.log(Deno.execPath())'], { cwd: root })
    // Finding packages without packing them saves writing hundreds of megabytes.
    const options = ['--quiet', '--exclude', 'node_modules']
    execFileSync('scripts/deno', [words[0] as string, ...options, ...words.slice(1)], {
      cwd: root,
      env: { ...process.env, DENORT_BIN: deno.toString().trim() },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    expect(statSync(output).isFile()).toBe(true)
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 120_000)
