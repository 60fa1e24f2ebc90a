import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chooseTrackers, DEFAULT_TRACKER, parseConfig, readConfig } from '../../../../cli/home/config.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'shoal-config-'))
})
afterEach(() => {
  rmSync(home, { recursive: true })
})

const write = (text: string): void => writeFileSync(join(home, 'config.json'), text)

test('both forms of a tracker are read and may be mixed', () => {
  const text =
    '{"trackers":[{"ip":"127.0.0.1","port":"8080"},{"ip":"::1","port":8081},"https://t1:8080"],"other":1}'
  expect(parseConfig(text, 'config.json').trackers).toEqual([
    'http://127.0.0.1:8080',
    'http://[::1]:8081',
    'https://t1:8080',
  ])
})

test.each([
  '',
  '{',
  '[]',
  'null',
  '"x"',
  '{"trackers":"http://t"}',
  '{"trackers":[1]}',
  '{"trackers":[null]}',
  '{"trackers":[{"ip":"a"}]}',
  '{"trackers":[{"ip":"a","port":"b"}]}',
])('the config %s is refused with the name of the file', (text) => {
  expect(() => parseConfig(text, '/x/config.json')).toThrow(
    expect.objectContaining({ code: 'BAD_CONFIG', message: expect.stringContaining('/x/config.json') }),
  )
})

test('a home without config.json has no trackers configured', () => {
  expect(readConfig(home)).toEqual({ trackers: [], plugins: {} })
})

test('a flag or its environment variable beats config.json, which beats the default', () => {
  expect(chooseTrackers(undefined, home)).toEqual([DEFAULT_TRACKER])
  write('{"trackers":["http://config:1"]}')
  expect(chooseTrackers(undefined, home)).toEqual(['http://config:1'])
  expect(chooseTrackers('http://flag:1,http://flag:2', home)).toEqual(['http://flag:1', 'http://flag:2'])
})

test('a broken config.json is not read if trackers are given', () => {
  write('{')
  expect(chooseTrackers('http://flag:1', home)).toEqual(['http://flag:1'])
  expect(() => chooseTrackers(undefined, home)).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }))
})
