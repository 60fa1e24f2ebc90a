import { readPassword, readPasswordChange } from '../../../../cli/input/secrets.ts'

const before = { ...process.env }
beforeEach(() => {
  // jest's own streams are terminals unless they are piped. Here they never are.
  Object.defineProperty(process.stdin, 'isTTY', { value: false, configurable: true })
  for (const name of ['SHOAL_PASSWORD', 'SHOAL_NEW_PASSWORD']) delete process.env[name]
})
afterAll(() => {
  process.env = before
})

test('a password comes from SHOAL_PASSWORD', async () => {
  process.env.SHOAL_PASSWORD = 'secret'
  expect(await readPassword({ stdin: false })).toBe('secret')
})

test('without a terminal, an empty SHOAL_PASSWORD counts as missing, and the hint names all three ways', async () => {
  process.env.SHOAL_PASSWORD = ''
  await expect(readPassword({ stdin: false })).rejects.toMatchObject({
    code: 'USAGE',
    hint: expect.stringMatching(/SHOAL_PASSWORD.*--password-stdin.*terminal/),
  })
})

test('changing a password needs both variables', async () => {
  process.env.SHOAL_PASSWORD = 'old'
  await expect(readPasswordChange({ stdin: false })).rejects.toMatchObject({ code: 'USAGE' })
  process.env.SHOAL_NEW_PASSWORD = 'new'
  expect(await readPasswordChange({ stdin: false })).toEqual({ old: 'old', new: 'new' })
})
