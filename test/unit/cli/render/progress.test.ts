import { Writable } from 'node:stream'
import { createProgress, type ProgressMode } from '../../../../cli/render/progress.ts'
import { Tally } from '../../../../cli/render/tally.ts'
import type { ProgressEvent } from '../../../../peer/control/api.ts'

const EVENTS: ProgressEvent[] = [
  { event: 'start', name: 'a', total: 100 },
  { event: 'chunk', name: 'a', path: '/x', upTo: 50 },
  { event: 'progress', name: 'a', done: 50, total: 100, rate: 10, peers: 2, eta: 5 },
  { event: 'done', name: 'a', path: '/x' },
]

async function render(mode: ProgressMode, isTTY: boolean): Promise<string> {
  let text = ''
  const collect = new Writable({
    write(part, _encoding, done) {
      text += part
      done()
    },
  })
  const stream = Object.assign(collect, { isTTY, columns: 100 })
  const progress = await createProgress(mode, stream as unknown as NodeJS.WriteStream)
  for (const event of EVENTS) progress.listener(event)
  progress.close()
  return text
}

const ESCAPE = '\u001b'

test('auto is a bar on a terminal and nothing elsewhere', async () => {
  expect(await render('auto', true)).toContain('100%')
  expect(await render('auto', true)).toContain(ESCAPE)
  expect(await render('auto', false)).toBe('')
})

test('a bar off a terminal has no escape codes', async () => {
  const text = await render('bar', false)
  expect(text).toContain('100%')
  expect(text).not.toContain(ESCAPE)
})

test('ndjson writes one object per line and leaves out other events', async () => {
  const lines = (await render('ndjson', false)).trim().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toEqual(EVENTS.filter((event) => event.event !== 'chunk'))
})

test('none writes nothing', async () => {
  expect(await render('none', true)).toBe('')
})

test('a tally sums up running, finished and repeated files', () => {
  const tally = new Tally()
  tally.add({ event: 'start', name: 'a', total: 100 })
  tally.add({ event: 'start', name: 'b', total: 50 })
  tally.add({ event: 'progress', name: 'a', done: 30, total: 100, rate: 5, peers: 2, eta: 14 })
  expect([tally.done, tally.total, tally.rate, tally.label]).toEqual([30, 150, 5, '2 files'])
  tally.add({ event: 'done', name: 'a' })
  tally.add({ event: 'done', name: 'a' })
  expect([tally.done, tally.total, tally.rate]).toEqual([100, 150, 0])
})
