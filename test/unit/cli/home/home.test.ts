import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { homeFolder, makePrivateFolder } from '../../../../cli/home/home.ts'
import { clearSession, currentToken, readSession, writeSession } from '../../../../cli/home/session.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'shoal-home-'))
})
afterEach(() => {
  rmSync(home, { recursive: true })
})

test('the home is the given one, else XDG_DATA_HOME/shoal, else ~/.local/share/shoal', () => {
  expect(homeFolder('some/where', { XDG_DATA_HOME: '/x' })).toBe(resolve('some/where'))
  expect(homeFolder(undefined, { XDG_DATA_HOME: '/x' })).toBe('/x/shoal')
  expect(homeFolder(undefined, { XDG_DATA_HOME: 'relative' })).toBe(join(homedir(), '.local/share/shoal'))
  expect(homeFolder('', {})).toBe(join(homedir(), '.local/share/shoal'))
})

test('only its owner can enter a new home', () => {
  makePrivateFolder(join(home, 'a', 'b'))
  expect(statSync(join(home, 'a', 'b')).mode & 0o777).toBe(0o700)
})

test('a home below a file is a storage error', () => {
  writeFileSync(join(home, 'file'), '')
  expect(() => makePrivateFolder(join(home, 'file', 'b'))).toThrow(
    expect.objectContaining({ kind: 'storage' }),
  )
})

test('only its owner can read a session, and no temporary file is left', () => {
  writeSession(home, { user: 'ada', token: 'secret' })
  expect(readSession(home)).toEqual({ user: 'ada', token: 'secret' })
  expect(statSync(join(home, 'session.json')).mode & 0o777).toBe(0o600)
  expect(readdirSync(home)).toEqual(['session.json'])
  expect(readFileSync(join(home, 'session.json'), 'utf8')).toContain('ada')
})

test('a cleared, damaged or malformed session is ignored', () => {
  writeSession(home, { user: 'ada', token: 'secret' })
  clearSession(home)
  clearSession(home)
  expect(readSession(home)).toBeNull()
  for (const text of ['', '{', '[]', 'null', '{"user":1,"token":"x"}']) {
    writeFileSync(join(home, 'session.json'), text)
    expect(readSession(home)).toBeNull()
  }
})

test('SHOAL_TOKEN takes precedence over the session', () => {
  expect(currentToken(home, {})).toBeNull()
  writeSession(home, { user: 'ada', token: 'session' })
  expect(currentToken(home, {})).toBe('session')
  expect(currentToken(home, { SHOAL_TOKEN: 'environment' })).toBe('environment')
})
