import type { LookupAddress } from 'node:dns'
import { RememberedNames } from '../../../tracker-client/lookup.ts'

const HERE: LookupAddress[] = [
  { address: '::1', family: 6 },
  { address: '10.0.0.1', family: 4 },
]
const MOVED: LookupAddress[] = [{ address: '10.0.0.2', family: 4 }]

/** Name lookups that the test answers. */
function names() {
  const questions: ((answer: LookupAddress[] | string) => void)[] = []
  const remembered = new RememberedNames((_host, done) => {
    questions.push((answer) =>
      typeof answer === 'string'
        ? done(Object.assign(new Error(answer), { code: answer }), [])
        : done(null, answer),
    )
  })
  const find = (options: { all?: boolean; family?: number } = { all: true }) =>
    new Promise<unknown>((resolve, reject) => {
      remembered.lookup('tracker', options, (error, address) => (error ? reject(error) : resolve(address)))
    })
  return { questions, find }
}

test('a name resolves to the servers’ answer, in the requested form', async () => {
  const { questions, find } = names()
  const asked = [find(), find({}), find({ family: 4 })]
  expect(questions).toHaveLength(1)
  questions[0]!(HERE)
  expect(await Promise.all(asked)).toEqual([HERE, '::1', '10.0.0.1'])
  const moved = find()
  questions[1]!(MOVED)
  expect(await moved).toEqual(MOVED)
  const none = find({ family: 6 })
  questions[2]!(MOVED)
  await expect(none).rejects.toMatchObject({ code: 'ENOTFOUND' })
})

test('while name servers are silent or fail, the last address is used and one query runs', async () => {
  const { questions, find } = names()
  const first = find()
  questions[0]!(HERE)
  await first
  expect(await find()).toEqual(HERE)
  expect(await find()).toEqual(HERE)
  expect(questions).toHaveLength(2)
  const failing = find()
  questions[1]!('EAI_AGAIN')
  expect(await failing).toEqual(HERE)
  // A late answer serves the next lookups.
  expect(await find()).toEqual(HERE)
  questions[2]!(MOVED)
  expect(await find()).toEqual(MOVED)
})

test('a removed name is not found, and an unknown name fails with the system’s error', async () => {
  const { questions, find } = names()
  const unknown = find()
  questions[0]!('EAI_AGAIN')
  await expect(unknown).rejects.toMatchObject({ code: 'EAI_AGAIN' })
  const known = find()
  questions[1]!(HERE)
  await known
  const gone = find()
  questions[2]!('ENOTFOUND')
  await expect(gone).rejects.toMatchObject({ code: 'ENOTFOUND' })
  const forgotten = find()
  questions[3]!('EAI_AGAIN')
  await expect(forgotten).rejects.toMatchObject({ code: 'EAI_AGAIN' })
})
