import type { ShoalError } from '../../../protocol/errors.ts'
import {
  CLOCK_TOLERANCE_S,
  checkGrantClaims,
  GRANT_LIFETIME_S,
  type GrantClaims,
  type GrantUse,
} from '../../../protocol/grants.ts'

const NOW = 1_800_000_000
const PEER = 'ab'.repeat(32)
const FILE = 'cd'.repeat(32)
const claims: GrantClaims = {
  sub: 'ann',
  grp: 'team',
  fid: FILE,
  cnf: { 'x5t#S256': PEER },
  iat: NOW,
  exp: NOW + GRANT_LIFETIME_S,
}
const use: GrantUse = { fileId: FILE, groups: new Set(['team', 'other']), fingerprint: PEER, now: NOW }

const check = (c: unknown, u: Partial<GrantUse> = {}): string => {
  try {
    checkGrantClaims(c, { ...use, ...u })
    return 'accepted'
  } catch (error) {
    const { code, message } = error as ShoalError
    return `${code}: ${message}`
  }
}

test('a grant is valid for its file, group and peer, from issue to expiry', () => {
  expect(checkGrantClaims(claims, use)).toEqual(claims)
  expect(check({ ...claims, grp: 'other' })).toBe('accepted')
  expect(check(claims, { now: NOW - CLOCK_TOLERANCE_S })).toBe('accepted')
  expect(check(claims, { now: claims.exp + CLOCK_TOLERANCE_S })).toBe('accepted')
})

test.each<[string, unknown, Partial<GrantUse>]>([
  ['another file', { ...claims, fid: 'ef'.repeat(32) }, {}],
  ['another file', claims, { fileId: 'ef'.repeat(32) }],
  ['another group', { ...claims, grp: 'strangers' }, {}],
  ['another group', claims, { groups: new Set() }],
  ['another peer', claims, { fingerprint: 'ba'.repeat(32) }],
  ['another peer', claims, { fingerprint: 'none' }],
  ['another peer', { ...claims, cnf: { 'x5t#S256': PEER.toUpperCase() } }, {}],
  ['has expired', claims, { now: claims.exp + CLOCK_TOLERANCE_S + 1 }],
  ['from the future', claims, { now: NOW - CLOCK_TOLERANCE_S - 1 }],
  ['lives too long', { ...claims, exp: claims.exp + 1 }, {}],
  ['lives too long', { ...claims, iat: 0 }, {}],
  ['lives too long', { ...claims, exp: Number.POSITIVE_INFINITY }, {}],
  ['has expired', { ...claims, exp: Number.NEGATIVE_INFINITY }, {}],
])('a grant is refused, with the reason: %s (%#)', (why, altered, otherUse) => {
  const answer = check(altered, otherUse)
  expect(answer).toMatch(/^GRANT_INVALID/)
  expect(answer).toContain(why)
})

test('malformed claims are refused with GRANT_INVALID', () => {
  const { sub: _, ...withoutSub } = claims
  const malformed: unknown[] = [undefined, null, 1, 'x', [], {}, withoutSub]
  for (const key of Object.keys(claims))
    for (const value of [null, undefined, {}, [], true]) malformed.push({ ...claims, [key]: value })
  malformed.push({ ...claims, iat: String(NOW) }, { ...claims, cnf: 'x' }, { ...claims, cnf: { jkt: PEER } })
  for (const each of malformed) expect(check(each)).toMatch(/^GRANT_INVALID/)
})

test('without TLS the certificate is not checked, but everything else is', () => {
  expect(check(claims, { fingerprint: null })).toBe('accepted')
  expect(check({ ...claims, fid: 'ef'.repeat(32) }, { fingerprint: null })).toMatch(/another file/)
})
