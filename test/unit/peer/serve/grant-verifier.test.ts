import { GrantVerifier } from '../../../../peer/serve/grant-verifier.ts'
import type { ServedFile } from '../../../../peer/serve/library.ts'
import { Bitmap } from '../../../../protocol/bitmap.ts'
import { seconds, TestKeys } from '../../../support/grants.ts'

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

test('a removed member is refused with grants from before, and let in with one from after', async () => {
  const keys = new TestKeys()
  const verifier = new GrantVerifier(keys)
  const now = seconds()
  const sign = (iat: number, changes = {}): Promise<string> =>
    keys.sign(FILE.fileId, PEER, { iat, exp: iat + 200, ...changes })
  const before = await sign(now - 20)
  await expect(verifier.check(before, FILE, PEER)).resolves.toMatchObject({ sub: 'ann' })
  verifier.revoke('team', 'ann', now - 10)
  await expect(verifier.check(before, FILE, PEER)).rejects.toMatchObject(invalid)
  await expect(verifier.check(await sign(now - 10), FILE, PEER)).rejects.toMatchObject(invalid)
  await expect(verifier.check(await sign(now - 9), FILE, PEER)).resolves.toBeDefined()
  await expect(verifier.check(await sign(now - 20, { sub: 'bob' }), FILE, PEER)).resolves.toBeDefined()
  await expect(verifier.check(await sign(now - 20, { grp: 'other' }), FILE, PEER)).resolves.toBeDefined()
})

test('a new key is asked for once, however many grants it signed, and made-up keys cost no more', async () => {
  const keys = new TestKeys()
  const verifier = new GrantVerifier(keys)
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

test('a tracker that is away when a new key comes up means a refusal, not a crash', async () => {
  const keys = new TestKeys()
  const verifier = new GrantVerifier({
    current: () => keys.current(),
    refresh: () => Promise.reject(new Error('away')),
  })
  keys.rotate('second')
  const grant = await keys.sign(FILE.fileId, PEER, {}, { kid: 'second' })
  await expect(verifier.check(grant, FILE, PEER)).rejects.toMatchObject(invalid)
  await expect(verifier.check(await keys.sign(FILE.fileId, PEER), FILE, PEER)).resolves.toBeDefined()
})

test('a grant that was verified once is still checked against each use', async () => {
  const keys = new TestKeys()
  const verifier = new GrantVerifier(keys)
  const grant = await keys.sign(FILE.fileId, PEER)
  await verifier.check(grant, FILE, PEER)
  await expect(verifier.check(grant, FILE, 'ef'.repeat(32))).rejects.toMatchObject(invalid)
  await expect(verifier.check(grant, { ...FILE, fileId: 'ef'.repeat(32) }, PEER)).rejects.toMatchObject(
    invalid,
  )
  await expect(verifier.check(grant, { ...FILE, groups: new Set() }, PEER)).rejects.toMatchObject(invalid)
})
