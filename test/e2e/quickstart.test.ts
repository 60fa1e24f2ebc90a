import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const QUICKSTART = join(import.meta.dirname, '../../bin/quickstart')
const folder = mkdtempSync(join(tmpdir(), 'shoal-quickstart-file-'))
const file = join(folder, 'given.bin')
writeFileSync(file, randomBytes(64 * 1024 * 1024))
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs to the end, or until it prints `stopAt` and has reacted to the signal. */
async function quickstart(stopAt?: string): Promise<{ code: number | null; text: string; home: string }> {
  const child: ChildProcess = spawn(QUICKSTART, [file])
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (part: string) => {
      const before = text
      text += part
      if (stopAt && text.includes(stopAt) && !before.includes(stopAt)) child.kill('SIGINT')
    })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, text, home: /SHOAL_HOME=(\S+)\/ada\/home/.exec(text)?.[1] ?? '' }
}

test('quickstart shares a given file among three users, and the third gets chunks from both holders', async () => {
  const { code, text, home } = await quickstart()
  expect({ code, text }).toMatchObject({ code: 0 })
  expect(text).toContain('ada$ bin/shoal group accept team bob cyd')
  expect(text).toMatch(/cyd took \S+ \w+ from (ada and \S+ \w+ from bob|bob and \S+ \w+ from ada)\./)
  expect(home).not.toBe('')
  expect({ left: existsSync(home), text }).toMatchObject({ left: false })
}, 90_000)

test('quickstart leaves nothing behind when Ctrl-C stops it', async () => {
  const { code, text, home } = await quickstart('A group, which ada owns')
  expect({ code, text }).toMatchObject({ code: 130 })
  expect(text).not.toContain('peer upload')
  expect(home).not.toBe('')
  expect({ left: existsSync(home), text }).toMatchObject({ left: false })
}, 90_000)
