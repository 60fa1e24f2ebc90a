import { GrantVerifier, type KeySource } from '../../../../peer/serve/grant-verifier.ts'
import type { ServedFile } from '../../../../peer/serve/library.ts'
import { Memberships } from '../../../../peer/serve/memberships.ts'
import { Bitmap } from '../../../../protocol/bitmap.ts'
import { seconds, TestKeys } from '../../../support/peer/grants.ts'

const PEER = 'ab'.repeat(32)
const FILE: ServedFile = {
  fileId: 'cd'.repeat(32),
  size: 0,
  groups: new Set(['team', 'other']),
  have: new Bitmap(0),
  hashes: () => new Uint8Array(0),
  open: () => Promise.reject(new Error('not opened here')),
}
const invalid = { code: 'GRANT_INVALID' }

const verifierOf = (keys: KeySource): GrantVerifier => {
  const memberships = new Memberships(seconds() - 60)
  memberships.sync('team', ['ann', 'u1', 'u2', 'u3'], seconds() - 60)
  return new GrantVerifier(keys, memberships)
}

test('a new key is requested once for all its grants, and invented keys cost no more', async () => {
  const keys = new TestKeys()
  const verifier = verifierOf(keys)
  keys.rotate('second')
  const fresh = await Promise.all(
    [1, 2, 3].map((i) => keys.sign(FILE.fileId, PEER, { sub: `u${i}` }, { kid: 'second' })),
  )
  await Promise.all(fresh.map((grant) => verifier.check(grant, FILE, PEER)))
  expect(keys.refreshes).toBe(1)
  const stranger = new TestKeys()
  stranger.rotate('made-up')
  const forged = await stranger.sign(FILE.fileId, PEER, {}, { kid: 'made-up' })
  for (let i = 0; i < 5; i++) await expect(verifier.check(forged, FILE, PEER)).rejects.toMatchObject(invalid)
  expect(keys.refreshes).toBe(1)
})

test('a new key while the tracker is away leads to a refusal, not a crash', async () => {
  const keys = new TestKeys()
  const verifier = verifierOf({
    current: () => keys.current(),
    refresh: () => Promise.reject(new Error('away')),
  })
  keys.rotate('second')
  const grant = await keys.sign(FILE.fileId, PEER, {}, { kid: 'second' })
  await expect(verifier.check(grant, FILE, PEER)).rejects.toMatchObject(invalid)
  await expect(verifier.check(await keys.sign(FILE.fileId, PEER), FILE, PEER)).resolves.toBeDefined()
})

test('a verified grant is still checked at each use', async () => {
  const keys = new TestKeys()
  const verifier = verifierOf(keys)
  const grant = await keys.sign(FILE.fileId, PEER)
  await verifier.check(grant, FILE, PEER)
  await expect(verifier.check(grant, FILE, 'ef'.repeat(32))).rejects.toMatchObject(invalid)
  await expect(verifier.check(grant, { ...FILE, fileId: 'ef'.repeat(32) }, PEER)).rejects.toMatchObject(
    invalid,
  )
  await expect(verifier.check(grant, { ...FILE, groups: new Set() }, PEER)).rejects.toMatchObject(invalid)
})
