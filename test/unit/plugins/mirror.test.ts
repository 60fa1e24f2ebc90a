import { Backlog } from '../../../plugins/mirror/backlog.ts'
import { settled } from '../../../plugins/mirror/settled.ts'

describe('settled', () => {
  const scan = (states: Record<string, string>) => new Map(Object.entries(states))

  test('a file is ready once it is as it was before, and not as it was published', () => {
    const before = scan({ new: '1', grows: '1', known: '1', touched: '2' })
    const now = scan({ new: '1', grows: '2', known: '1', touched: '2', fresh: '1' })
    const published = scan({ known: '1', touched: '1', gone: '1' })
    expect(settled(before, now, published)).toEqual({ ready: ['new', 'touched'], waiting: 2 })
  })

  test('nothing is to be done where all is as it was published', () => {
    expect(settled(new Map(), scan({ a: '1' }), scan({ a: '1' }))).toEqual({ ready: [], waiting: 0 })
  })
})

describe('Backlog', () => {
  const options = { atOnce: 2, retries: false, isFinal: () => false, failed: () => {} }

  test('names are worked on at most so many at once, each once', async () => {
    let running = 0
    let most = 0
    const done: string[] = []
    const backlog = new Backlog({
      ...options,
      async work(name) {
        most = Math.max(most, ++running)
        await new Promise(setImmediate)
        running--
        done.push(name)
      },
    })
    for (const name of ['a', 'b', 'c', 'a', 'd']) backlog.add(name)
    await backlog.run(new AbortController().signal, true)
    expect(done.sort()).toEqual(['a', 'b', 'c', 'd'])
    expect(most).toBe(2)
  })

  test('a name that is added while it is worked on is worked on again', async () => {
    let times = 0
    const backlog: Backlog = new Backlog({
      ...options,
      async work(name) {
        if (++times === 1) backlog.add(name)
      },
    })
    backlog.add('a')
    await backlog.run(new AbortController().signal, true)
    expect(times).toBe(2)
  })

  test('what failed is tried again, and told of once', async () => {
    const told: string[] = []
    let times = 0
    const backlog = new Backlog({
      ...options,
      retries: true,
      failed: (name, error) => told.push(`${name}: ${error.message}`),
      async work() {
        if (++times < 2) throw new Error('not yet')
      },
    })
    backlog.add('a')
    await backlog.run(new AbortController().signal, true)
    expect({ times, told, failures: backlog.failures.size }).toEqual({
      times: 2,
      told: ['a: not yet'],
      failures: 0,
    })
  })

  test('an error that no other try would change ends all work', async () => {
    const signals: AbortSignal[] = []
    const backlog = new Backlog({
      ...options,
      retries: true,
      isFinal: ({ message }) => message === 'refused',
      work(name, signal) {
        signals.push(signal)
        if (name === 'bad') return Promise.reject(new Error('refused'))
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
      },
    })
    backlog.add('good')
    backlog.add('bad')
    await expect(backlog.run(new AbortController().signal)).rejects.toThrow('refused')
    expect(signals[0]?.aborted).toBe(true)
  })

  test('a name that is dropped is given up, and is no failure', async () => {
    const backlog: Backlog = new Backlog({
      ...options,
      retries: true,
      work: (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
          backlog.drop('a')
        }),
    })
    backlog.add('a')
    await backlog.run(new AbortController().signal, true)
    expect(backlog.failures.size).toBe(0)
  })
})
