import { execFileSync } from 'node:child_process'
import { sign, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  fingerprint,
  HELLO_LIFETIME_MS,
  helloFault,
  isHere,
  MAX_AHEAD_MS,
  signHello,
  signHere,
} from '../../../protocol/hello.ts'
import { identityOf, newIdentity } from '../../../testkit/test-peer.ts'

const TOKEN = 'shoal_ada.secret'
const TOKEN_HASH = fingerprint(Buffer.from(TOKEN))
const NOW = 1_790_000_000_000
const NONCE = 'ab'.repeat(32)
const keys = await newIdentity()
const hello = signHello(keys, TOKEN, NOW)

test('a hello proves the id of the key that signed it, in its session, for five minutes and no earlier', () => {
  const fault = (now: number) => helloFault(hello, keys.peer, TOKEN_HASH, now)
  for (const now of [NOW, NOW + HELLO_LIFETIME_MS, NOW - MAX_AHEAD_MS]) expect(fault(now)).toBeNull()
  expect(fault(NOW + HELLO_LIFETIME_MS + 1)).toContain('too old')
  expect(fault(NOW - MAX_AHEAD_MS - 1)).toContain('from the future')
})

test('a hello is refused for another id, another session, another time and by another key', async () => {
  const thief = await newIdentity()
  const other = identityOf('other')
  const theirs = signHello(thief, TOKEN, NOW)
  const cases: [string, Parameters<typeof helloFault>[0], string, string][] = [
    ['another id', hello, other.peer, TOKEN_HASH],
    ['another session', hello, keys.peer, fingerprint(Buffer.from('shoal_bob.secret'))],
    ['another time', { ...hello, at: NOW + 1 }, keys.peer, TOKEN_HASH],
    ['another key', { ...theirs, certificate: hello.certificate }, keys.peer, TOKEN_HASH],
    ['another certificate', { ...hello, certificate: theirs.certificate }, keys.peer, TOKEN_HASH],
    ['no signature', { ...hello, signature: '' }, keys.peer, TOKEN_HASH],
    ['no certificate', { ...hello, certificate: '' }, fingerprint(Buffer.alloc(0)), TOKEN_HASH],
  ]
  for (const [what, said, peer, session] of cases)
    expect([what, helloFault(said, peer, session, NOW)]).toEqual([what, expect.any(String)])
})

test('the signed bytes are "shoal/hello/1", the id, the hash of the session token and the time', () => {
  const time = Buffer.alloc(8)
  time.writeBigUInt64BE(BigInt(NOW))
  const message = Buffer.concat([
    Buffer.from('shoal/hello/1'),
    Buffer.from(keys.peer, 'hex'),
    Buffer.from(TOKEN_HASH, 'hex'),
    time,
  ])
  const certificate = new X509Certificate(keys.cert).raw.toString('base64')
  const signature = sign('sha256', message, keys.key).toString('base64')
  expect(helloFault({ certificate, at: NOW, signature }, keys.peer, TOKEN_HASH, NOW)).toBeNull()
})

test('the answer to a call-back proves the id for its nonce alone, and is no hello', () => {
  const here = signHere(keys, NONCE)
  expect(isHere(here, keys.peer, NONCE)).toBe(true)
  expect(isHere(here, keys.peer, 'cd'.repeat(32))).toBe(false)
  expect(isHere(here, identityOf('other').peer, NONCE)).toBe(false)
  expect(isHere(hello, keys.peer, NONCE)).toBe(false)
  expect(helloFault({ ...here, at: NOW }, keys.peer, NONCE, NOW)).toContain('signature')
})

test('what is no certificate, and a key of another kind, are refused without an error', () => {
  const rubbish = Buffer.from('rubbish')
  const said = { ...hello, certificate: rubbish.toString('base64') }
  expect(helloFault(said, fingerprint(rubbish), TOKEN_HASH, NOW)).toContain('cannot be read')
  const folder = mkdtempSync(join(tmpdir(), 'shoal-rsa-'))
  const words = 'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=slow -keyout key.pem -out cert.pem'
  execFileSync('openssl', words.split(' '), { cwd: folder, stdio: 'ignore' })
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => readFileSync(join(folder, name), 'utf8'))
  rmSync(folder, { recursive: true })
  const peer = fingerprint(new X509Certificate(cert!).raw)
  const right = signHello({ peer, key: key!, cert: cert! }, TOKEN, NOW)
  expect(helloFault(right, peer, TOKEN_HASH, NOW)).toContain('P-256')
})
