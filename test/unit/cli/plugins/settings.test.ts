import { parseConfig } from '../../../../cli/home/config.ts'
import { shortName } from '../../../../cli/plugins/definition.ts'
import { settingsOf } from '../../../../cli/plugins/extensions.ts'

test('the environment takes precedence over config.json, and dashes become underscores', () => {
  const setting = settingsOf(
    'my-cache',
    { 'base-url': 'from config', size: '5' },
    { SHOAL_MY_CACHE_BASE_URL: 'from the environment' },
  )
  expect(setting('base-url')).toBe('from the environment')
  expect(setting('size')).toBe('5')
  expect(setting('other')).toBeUndefined()
})

test('plugin settings in config.json may be text, numbers or booleans', () => {
  const text =
    '{"plugins":{"metrics":{"listen":"127.0.0.1:9464","enabled":false,"n":3},"__proto__":{"a":"b"}}}'
  const { plugins } = parseConfig(text, 'config.json')
  expect({ ...plugins.metrics }).toEqual({ listen: '127.0.0.1:9464', enabled: 'false', n: '3' })
  expect(({} as Record<string, unknown>).a).toBeUndefined()
})

test.each([
  '{"plugins":[]}',
  '{"plugins":{"a":1}}',
  '{"plugins":{"a":{"b":{}}}}',
  '{"plugins":{"a":{"b":null}}}',
])('the plugin settings %s are refused', (text) => {
  expect(() => parseConfig(text, 'config.json')).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }))
})

test.each([
  ['@shoal/plugin-metrics', 'metrics'],
  ['shoal-plugin-cache', 'cache'],
  ['@acme/cache', 'cache'],
  ['cache', 'cache'],
])('the package %s has the short name %s', (name, short) => {
  expect(shortName(name)).toBe(short)
})
