import {
  groupIdempotencyKey,
  groupKeys,
  hashesKey,
  stagedKey,
  userKeys,
} from '../../../tracker-store/keys.ts'
import { loadScripts } from '../../../tracker-store/scripts.ts'

const tagOf = (key: string): string | undefined => /\{([^}]+)\}/.exec(key)?.[1]
const mutation = { key: 'k', by: 'ann', at: '' }

describe('the names in Redis', () => {
  test('all keys of a group are in one cluster slot, and so are those of a user', () => {
    const keys = [
      ...Object.values(groupKeys('Team')),
      hashesKey('Team', 'id'),
      stagedKey('Team', 'ann', 'id'),
      groupIdempotencyKey('Team', 'leaveGroup', mutation),
    ]
    expect(new Set(keys.map(tagOf))).toEqual(new Set(['g:team']))
    expect(new Set(Object.values(userKeys('Ann')).map(tagOf))).toEqual(new Set(['u:ann']))
  })

  test('names that differ only in case share their keys, but a group and a user of one name do not', () => {
    expect(groupKeys('Team')).toEqual(groupKeys('tEAM'))
    expect(tagOf(groupKeys('x').meta)).not.toBe(tagOf(userKeys('x').record))
  })

  test('the keys that scripts build from prefixes match those that are read', () => {
    expect(`${groupKeys('g').hashesPrefix}id`).toBe(hashesKey('g', 'id'))
    expect(`${groupKeys('g').stagedPrefix}id:ann`).toBe(stagedKey('g', 'ann', 'id'))
  })

  test('an idempotency key includes the user and the operation', () => {
    const keys = [
      groupIdempotencyKey('g', 'leaveGroup', mutation),
      groupIdempotencyKey('g', 'leaveGroup', { ...mutation, by: 'bob' }),
      groupIdempotencyKey('g', 'createGroup', mutation),
      groupIdempotencyKey('h', 'leaveGroup', mutation),
    ]
    expect(new Set(keys).size).toBe(4)
  })
})

describe('the scripts', () => {
  test.each(loadScripts().map((script) => [script.name, script] as const))(
    'the header of %s lists as many keys as its name says',
    (_, { keys, lua }) => {
      const own = lua.slice(lua.lastIndexOf('\n-- KEYS:'))
      const header = own.slice(0, own.indexOf('-- ARGV:'))
      expect(Math.max(...[...header.matchAll(/(?:KEYS: |, |\s)(\d+) \w/g)].map(([, n]) => Number(n)))).toBe(
        keys,
      )
    },
  )
})
