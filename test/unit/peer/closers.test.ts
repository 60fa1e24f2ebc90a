import { Closers } from '../../../peer/closers.ts'

test('parts close in the opposite order, and one that fails keeps no other open', async () => {
  const told: string[] = []
  const closers = new Closers((message) => told.push(message))
  closers.push('the first', () => told.push('first closed'))
  closers.push('the second', () => Promise.reject(new Error('broken')))
  closers.push('the third', () => told.push('third closed'))
  await closers.closeAll()
  expect(told).toEqual(['third closed', 'the second failed to close: broken', 'first closed'])
})

test('a part that never closes is left behind with a line in the log', async () => {
  const told: string[] = []
  const closers = new Closers((message) => told.push(message), { partMs: 100, allMs: 10_000, lastMs: 100 })
  closers.push('the first', () => told.push('first closed'))
  closers.push('the stuck part', () => new Promise(() => {}))
  await closers.closeAll()
  expect(told).toEqual([
    'the stuck part did not close within 0.1 s: the peer ends without it',
    'first closed',
  ])
})

test('ten stuck parts do not take ten times as long as one', async () => {
  const told: string[] = []
  const closers = new Closers((message) => told.push(message), { partMs: 500, allMs: 500, lastMs: 10 })
  for (let part = 0; part < 10; part++) closers.push(`part ${part}`, () => new Promise(() => {}))
  const begun = performance.now()
  await closers.closeAll()
  expect(told).toHaveLength(10)
  expect(performance.now() - begun).toBeLessThan(2500)
})
