import { spawnThread } from '../../../../packed/spawn-thread.ts'
import type { FromFetchThread, ToFetchThread } from '../../../../peer/fetch/thread.ts'
import { FetchFixture, honest } from '../../../support/peer/fetch-fixture.ts'

const fixture = new FetchFixture()
beforeEach(() => fixture.open())
afterEach(() => fixture.close())
afterAll(() => fixture.pool.close())

test('an extent of one chunk is reported in one message, the chunk together with its end', async () => {
  const target = await fixture.serve(honest)
  const thread = spawnThread(new URL('../../../../peer/fetch/thread.ts', import.meta.url), {
    credentials: { key: '', cert: '' },
    ownPort: 4711,
  })
  thread.ref()
  const messages: FromFetchThread[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  thread.on('message', (message: FromFetchThread) => {
    messages.push(message)
    if (messages.filter(({ type }) => type === 'settled').length === 2) resolve()
  })
  try {
    for (const [id, first] of [1, 3].entries()) {
      const request = { ...fixture.request(target, { first, count: 1 }), id }
      thread.postMessage({ type: 'fetch', request } satisfies ToFetchThread)
    }
    await promise
    expect(messages).toEqual([
      { type: 'settled', id: 0, chunks: [1], error: null },
      { type: 'settled', id: 1, chunks: [3], error: null },
    ])
  } finally {
    await thread.terminate()
  }
})
