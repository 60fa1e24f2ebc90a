import { Memberships } from '../../../../peer/serve/memberships.ts'
import { CLOCK_TOLERANCE_S, type GrantClaims } from '../../../../protocol/grants.ts'

const START = 1_790_000_000
const FILE = 'cd'.repeat(32)
const grant = (sub: string, iat: number, changes: Partial<GrantClaims> = {}): GrantClaims => ({
  sub,
  grp: 'team',
  fid: FILE,
  cnf: { 'x5t#S256': 'ab'.repeat(32) },
  iat,
  exp: iat + 300,
  ...changes,
})
const LATER = CLOCK_TOLERANCE_S + 1

/** A peer that started at START and has since learned that ann and bob are the members. */
function synced(): Memberships {
  const memberships = new Memberships(START)
  memberships.sync('team', ['ann', 'bob'], START)
  return memberships
}

test('before the members are known, only grants certainly issued after the start are accepted', () => {
  const memberships = new Memberships(START)
  expect(memberships.refusal(grant('ann', START - 100))).toMatch(/does not know/)
  expect(memberships.refusal(grant('ann', START + CLOCK_TOLERANCE_S))).toMatch(/does not know/)
  expect(memberships.refusal(grant('ann', START + LATER))).toBeNull()
})

test("a current member's grants are always accepted; others' only if issued after the members were known", () => {
  const memberships = synced()
  expect(memberships.refusal(grant('ann', START - 100))).toBeNull()
  expect(memberships.refusal(grant('cyd', START - 100))).toMatch(/removed/)
  expect(memberships.refusal(grant('cyd', START + CLOCK_TOLERANCE_S))).toMatch(/removed/)
  expect(memberships.refusal(grant('cyd', START + LATER))).toBeNull()
})

test('a removal voids all grants until any replica, despite its clock error, could have issued one after it', () => {
  const memberships = synced()
  memberships.removed('team', ['bob'], START + 500)
  expect(memberships.refusal(grant('bob', START + 400))).toMatch(/removed/)
  expect(memberships.refusal(grant('bob', START + 500 + CLOCK_TOLERANCE_S))).toMatch(/removed/)
  expect(memberships.refusal(grant('bob', START + 500 + LATER))).toBeNull()
  expect(memberships.refusal(grant('ann', START + 400))).toBeNull()
  expect(memberships.refusal(grant('bob', START + LATER, { grp: 'other' }))).toBeNull()
})

test('a member that is accepted again is served at once', () => {
  const memberships = synced()
  memberships.removed('team', ['bob'], START + 500)
  memberships.accepted('team', ['bob', 'cyd'])
  expect(memberships.refusal(grant('bob', START + 500))).toBeNull()
  expect(memberships.refusal(grant('cyd', START))).toBeNull()
})

test('the next sync of the members reveals missed removals', () => {
  const memberships = synced()
  let losses = 0
  memberships.onLoss(() => losses++)
  memberships.sync('team', ['ann'], START + 900)
  expect(losses).toBe(1)
  expect(memberships.refusal(grant('bob', START + 890))).toMatch(/removed/)
  expect(memberships.refusal(grant('ann', START + 890))).toBeNull()
})

test('a peer of a former member serves nobody in the group until its user is a member again', () => {
  const memberships = synced()
  memberships.close('team')
  expect(memberships.refusal(grant('ann', START + 9999))).toMatch(/no longer in the group/)
  memberships.sync('team', ['ann'], START + 10_000)
  expect(memberships.refusal(grant('ann', START + 9999))).toBeNull()
})

test('a removed file is served only with grants issued after its removal, or once it is published again', () => {
  const memberships = synced()
  memberships.withdrawn('team', FILE, START + 50)
  expect(memberships.refusal(grant('ann', START + 50))).toMatch(/file was removed/)
  expect(memberships.refusal(grant('ann', START + 51))).toBeNull()
  expect(memberships.refusal(grant('ann', START + 50, { fid: 'ef'.repeat(32) }))).toBeNull()
  memberships.published('team', FILE)
  expect(memberships.refusal(grant('ann', START + 50))).toBeNull()
})

test('a request before the members are known waits for them', async () => {
  const memberships = new Memberships(START)
  const known = memberships.known('team')
  memberships.sync('team', ['ann'], START)
  await known
  expect(memberships.refusal(grant('ann', START - 1))).toBeNull()
})
