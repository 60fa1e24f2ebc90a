import { checkNewPassword, Passwords } from '../../../../tracker/auth/passwords.ts'

const passwords = new Passwords()

test('a password matches its own hash and no other', async () => {
  const hash = await passwords.hash('correct horse')
  expect(hash).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  expect(await passwords.matches('correct horse', hash)).toBe(true)
  expect(await passwords.matches('correct horsf', hash)).toBe(false)
})

test('the same password typed with composed or decomposed accents is the same', async () => {
  const hash = await passwords.hash('cafe\u0301 noir')
  expect(await passwords.matches('caf\u00e9 noir', hash)).toBe(true)
})

test('checking the password of a missing user fails and takes as long as any other', async () => {
  const hash = await passwords.hash('correct horse')
  const known = await timed(() => passwords.matches('wrong horse', hash))
  const unknown = await timed(() => passwords.matches('wrong horse', null))
  expect(await passwords.matches('', null)).toBe(false)
  expect(unknown / known).toBeGreaterThan(0.3)
  expect(unknown / known).toBeLessThan(3)
})

test('the 67th concurrent password is refused, and the 66 before it are answered', async () => {
  const busy = new Passwords()
  const cheap = '$scrypt$ln=1,r=8,p=1$c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g'
  const checks = Array.from({ length: 67 }, () => busy.matches('correct horse', cheap))
  await expect(checks.pop()).rejects.toMatchObject({ code: 'OVERLOADED' })
  expect(await Promise.all(checks)).toEqual(Array(66).fill(false))
  expect(await busy.matches('correct horse', cheap)).toBe(false)
})

test('a new password has at least eight characters', () => {
  expect(() => checkNewPassword('seven77')).toThrow(expect.objectContaining({ code: 'WEAK_PASSWORD' }))
  expect(() => checkNewPassword('eight888')).not.toThrow()
})

async function timed(task: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await task()
  return performance.now() - start
}
