import { dropMessages, RespFrames } from '../../../support/faults/resp-frames.ts'

const FRAMES = [
  '+OK\r\n',
  '-ERR no\r\n',
  ':12\r\n',
  '$5\r\na\r\nbc\r\n',
  '$-1\r\n',
  '*-1\r\n',
  '*2\r\n$1\r\na\r\n*1\r\n:1\r\n',
  '%1\r\n+key\r\n*0\r\n',
  '|1\r\n+ttl\r\n:3\r\n+value\r\n',
  '_\r\n',
  '>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n',
]

test('replies of every type are found, however they are split', () => {
  const stream = Buffer.from(FRAMES.join(''))
  for (const size of [1, 2, 3, 7, 1000]) {
    const frames = new RespFrames()
    const found: string[] = []
    for (let at = 0; at < stream.length; at += size)
      found.push(...frames.push(stream.subarray(at, at + size)).map(String))
    expect(found).toEqual(FRAMES)
  }
})

test('only messages are dropped, in the requested share', () => {
  let random = 0.4
  const pass = dropMessages(
    () => 0.5,
    () => random,
  )()
  const message = FRAMES.at(-1)!
  expect(pass(Buffer.from(`+OK\r\n${message}:1\r\n`)).toString()).toBe('+OK\r\n:1\r\n')
  random = 0.6
  expect(pass(Buffer.from(message)).toString()).toBe(message)
})
