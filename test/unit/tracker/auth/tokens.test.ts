import { LoginLimit } from '../../../../tracker/auth/login-limit.ts'
import { hashToken, newToken, userOfToken } from '../../../../tracker/auth/tokens.ts'

test('a token names its user and is never repeated', () => {
  expect(userOfToken(newToken('ann.b-c_d'))).toBe('ann.b-c_d')
  expect(newToken('ann')).not.toBe(newToken('ann'))
  expect(hashToken('x')).toMatch(/^[0-9a-f]{64}$/)
})

test.each([
  '',
  'shoal_',
  'shoal_ann',
  'shoal_ann.short',
  `other_ann.${'a'.repeat(43)}`,
  `shoal_a b.${'a'.repeat(43)}`,
])('%j is not a token', (text) => {
  expect(userOfToken(text)).toBeNull()
})

test('after thirty wrong passwords a user is limited only at that address; a right password resets the count', () => {
  const limit = new LoginLimit()
  for (let i = 0; i < 30; i++) {
    limit.check('ann', '10.0.0.1')
    limit.failed('ann', '10.0.0.1')
  }
  expect(() => limit.check('ann', '10.0.0.1')).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }))
  expect(() => limit.check('ann', '10.0.0.2')).not.toThrow()
  limit.succeeded('ann', '10.0.0.1')
  expect(() => limit.check('ann', '10.0.0.1')).not.toThrow()
})
