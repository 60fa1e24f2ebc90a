import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Hosted CI runs these actions with our permissions. */
const FOLDER = join(import.meta.dirname, '../../.github/workflows')
const workflows = readdirSync(FOLDER).map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')] as const)

test.each(workflows)(
  '%s pins every action to a commit hash, with its version in a comment',
  (_name, text) => {
    const uses = text.split('\n').filter((line) => /\buses:/.test(line))
    expect(uses.length).toBeGreaterThan(0)
    expect(uses.filter((line) => !/uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([])
  },
)

test.each(workflows)('%s grants nothing by default, and every job lists its permissions', (_name, text) => {
  expect(text).toMatch(/^permissions: \{\}$/m)
  const jobs = text
    .slice(text.indexOf('\njobs:\n'))
    .split(/^ {2}(?=[\w-]+:$)/m)
    .slice(1)
  expect(jobs.length).toBeGreaterThan(0)
  expect(jobs.filter((job) => !/^ {4}permissions:$/m.test(job))).toEqual([])
})
