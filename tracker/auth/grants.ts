import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint, SignJWT } from 'jose'
import type { Background } from '../../packed/background.ts'
import { GRANT_ALGORITHM, GRANT_LIFETIME_S, GRANT_TYPE, type GrantClaims } from '../../protocol/grants.ts'
import type { KeySet } from '../../tracker-client/api/schemas.ts'
import { isUnavailable, untilRedisAnswers } from '../../tracker-store/database.ts'
import type { KeyStore, SigningKey } from '../../tracker-store/store.ts'

const KEY_LIFE_MS = 30 * 24 * 3600 * 1000
const ROTATION_CHECK_MS = 10 * 60 * 1000
/** An older key set is read again: another replica may have rotated the keys and sign with the new one. */
const FRESH_MS = 1000

export interface Grant {
  token: string
  expires: Date
}

export interface GrantOptions {
  /** Seconds, GRANT_LIFETIME_S at most. */
  lifetimeS: number
  /** Clock for the dates in grants: milliseconds since the epoch. */
  now(): number
}

interface Signer {
  kid: string
  privateKey: KeyObject
}

/** Signs grants with the fleet's newest key and publishes the public keys. */
export class Grants {
  readonly #keys: KeyStore
  readonly #options: GrantOptions
  #signer: Signer | null = null
  #set: KeySet = { keys: [] }
  #readAt = 0
  #timer: NodeJS.Timeout | undefined

  readonly #failed: (error: unknown) => void

  constructor(
    keys: KeyStore,
    background: Background,
    options: GrantOptions = { lifetimeS: GRANT_LIFETIME_S, now: Date.now },
  ) {
    this.#keys = keys
    this.#options = options
    // An hour without Redis only delays the rotation.
    this.#failed = background.owner('rotating the grant keys', 'the old key stays in use', isUnavailable)
  }

  /** Creates the first key if there is none, and a new one whenever the newest is too old. */
  async start(): Promise<void> {
    await untilRedisAnswers(() => this.#rotate())
    this.#timer = setInterval(() => this.#rotate().catch(this.#failed), ROTATION_CHECK_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** A grant that lets the holder of the certificate `fingerprint` fetch file `fileId` of `group` for `user`. */
  async sign(user: string, group: string, fileId: string, fingerprint: string): Promise<Grant> {
    if (!this.#signer) throw new Error('grants are signed only after start')
    const iat = Math.floor(this.#options.now() / 1000)
    const exp = iat + this.#options.lifetimeS
    const cnf = { 'x5t#S256': fingerprint }
    const claims: GrantClaims = { sub: user, grp: group, fid: fileId, cnf, iat, exp }
    const header = { alg: GRANT_ALGORITHM, typ: GRANT_TYPE, kid: this.#signer.kid }
    const token = await new SignJWT({ ...claims }).setProtectedHeader(header).sign(this.#signer.privateKey)
    return { token, expires: new Date(exp * 1000) }
  }

  /** The public keys as a JWK set (RFC 7517, RFC 8037). While Redis is away: the last known ones. */
  async keySet(): Promise<KeySet> {
    if (Date.now() - this.#readAt > FRESH_MS)
      await this.#keys.list().then(
        (keys) => this.#use(keys),
        () => {},
      )
    return this.#set
  }

  async #rotate(): Promise<void> {
    const [newest] = await this.#keys.list()
    const stale = !newest || Date.now() - Date.parse(newest.created) > KEY_LIFE_MS
    await this.#use(stale ? await this.#keys.rotate(await newKey(), KEY_LIFE_MS) : await this.#keys.list())
  }

  async #use(keys: readonly SigningKey[]): Promise<void> {
    const newest = keys[0]
    if (!newest) return
    if (this.#signer?.kid !== newest.kid)
      this.#signer = { kid: newest.kid, privateKey: createPrivateKey(newest.privateKey) }
    this.#set = { keys: keys.map(publicJwk) }
    this.#readAt = Date.now()
  }
}

async function newKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const kid = await calculateJwkThumbprint(publicKey.export({ format: 'jwk' }) as { kty: string })
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  return { kid, privateKey: pem, created: new Date().toISOString() }
}

function publicJwk({ kid, privateKey }: SigningKey): KeySet['keys'][number] {
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { kid, kty: 'OKP', crv: 'Ed25519', x, alg: GRANT_ALGORITHM, use: 'sig' }
}
