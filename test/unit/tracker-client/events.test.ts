import { jest } from '@jest/globals'
import { type EventStream, followEvents } from '../../../tracker-client/events.ts'

afterEach(() => jest.restoreAllMocks())

/** Follows a group without events whose streams break after `lastedMs`. Returns the real pauses between them. */
async function pauses(lastedMs: number, count: number): Promise<number[]> {
  jest.spyOn(Math, 'random').mockReturnValue(0.5)
  const stop = new AbortController()
  const found: number[] = []
  let clock = 0
  let brokeAt: number | null = null
  jest.spyOn(performance, 'now').mockImplementation(() => clock)
  const connect = async (): Promise<EventStream> => {
    if (brokeAt !== null) found.push(Date.now() - brokeAt)
    if (found.length === count) stop.abort()
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from(': still here\n\n')
      clock += lastedMs
      brokeAt = Date.now()
    }
    return { tracker: 'http://t', answer: { status: 200, headers: {}, chunks, close: () => {} } }
  }
  for await (const _ of followEvents(0, stop.signal, connect));
  return found
}

test('a stream that lasted is reopened soon, however often it broke and even without events', async () => {
  // A quarter of a second each; after four failures in a row it would be two seconds.
  expect((await pauses(60_000, 4)).at(-1)).toBeLessThan(1500)
})

test('streams that break at once are reopened less and less often', async () => {
  const [first, , third] = await pauses(10, 3)
  expect(third).toBeGreaterThan(2 * first!)
})
