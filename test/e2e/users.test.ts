import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { World } from '../../testkit/shoal.ts'

const world = new World()
beforeAll(() => world.tracker())
afterAll(() => world.close())

test('a user registers, logs in, sees her name, and logs out', async () => {
  const home = world.home('ada')
  expect(await home.ok('user register ada')).toEqual({ user: 'ada' })
  expect(await home.fails('user whoami')).toMatchObject({ exit: 3, code: 'NOT_LOGGED_IN' })
  expect(await home.ok('user login ada')).toMatchObject({ user: 'ada' })
  expect(await home.ok('user whoami')).toEqual({ user: 'ada' })
  await home.ok('user logout')
  expect(await home.fails('user whoami')).toMatchObject({ exit: 3, code: 'NOT_LOGGED_IN' })
})

test('a name can be registered once, and a wrong password and an unknown user get the same error', async () => {
  const home = world.home('bob')
  await home.ok('user register bob')
  expect(await home.fails('user register bob')).toMatchObject({ exit: 6, code: 'USER_TAKEN' })
  const wrong = await home.fails('user login bob', { env: { SHOAL_PASSWORD: 'something else' } })
  expect(wrong).toMatchObject({ exit: 3, code: 'WRONG_PASSWORD' })
  expect(await home.fails('user login nobody')).toEqual(wrong)
})

test('a password can be read from standard input, and a change ends the old one', async () => {
  const home = world.home('cyd')
  const noPassword = { env: { SHOAL_PASSWORD: '' } }
  const typed = (stdin: string) => ({ ...noPassword, stdin })
  await home.ok('user register cyd --password-stdin', typed('first secret\n'))
  await home.ok('user login cyd --password-stdin', typed('first secret\nmore\n'))
  await home.ok('user passwd --password-stdin', typed('first secret\nsecond secret\n'))
  expect(await home.ok('user whoami')).toEqual({ user: 'cyd' })
  expect(await home.fails('user login cyd --password-stdin', typed('first secret'))).toMatchObject({
    exit: 3,
  })
  await home.ok('user login cyd --password-stdin', typed('second secret'))
  const env = { SHOAL_PASSWORD: 'second secret', SHOAL_NEW_PASSWORD: 'third secret' }
  await home.ok('user passwd', { env })
  await home.ok('user login cyd', { env: { SHOAL_PASSWORD: 'third secret' } })
})

test('without a terminal or a password, the error names the three ways to give one', async () => {
  const home = world.home('dan')
  const { exit, code, hint } = await home.fails('user register dan', { env: { SHOAL_PASSWORD: '' } })
  expect([exit, code]).toEqual([2, 'USAGE'])
  expect(hint).toMatch(/SHOAL_PASSWORD.*--password-stdin.*terminal/)
})

test('SHOAL_TOKEN replaces the session, even in a home without one', async () => {
  const home = await world.home('eve').join('eve')
  const { token } = JSON.parse(readFileSync(join(home.folder, 'session.json'), 'utf8'))
  const bare = world.home('bare')
  expect(await bare.ok('user whoami', { env: { SHOAL_TOKEN: token } })).toEqual({ user: 'eve' })
  const wrong = await home.fails('user whoami', { env: { SHOAL_TOKEN: `${token.slice(0, -4)}AAAA` } })
  expect(wrong).toMatchObject({ exit: 3, code: 'TOKEN_INVALID' })
})

test('only its owner can read the session file, and it holds no password', async () => {
  const home = await world.home('fay').join('fay')
  const file = join(home.folder, 'session.json')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readFileSync(file, 'utf8')).not.toContain('correct horse battery')
})

test('without --json, output is sentences, and errors go to stderr with a hint', async () => {
  const home = world.home('gus')
  const registered = await home.run('user register gus')
  expect(registered.stdout.toString()).toMatch(/^Registered gus\. .*\n$/)
  const failed = await home.run('user register gus')
  expect(failed.stdout.toString()).toBe('')
  expect(failed.stderr).toMatch(/^Error: .*gus.*\nHint: .*\n$/)
})

test('the names of the older client work', async () => {
  const home = world.home('hal')
  await home.ok('register hal')
  await home.ok('login hal')
  await home.ok('logout')
  expect(await home.fails('user whoami')).toMatchObject({ exit: 3 })
})
