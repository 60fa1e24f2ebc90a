import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import type { KeySource } from '../../../peer/serve/grant-verifier.ts'
import { GRANT_ALGORITHM, GRANT_LIFETIME_S, GRANT_TYPE, type GrantClaims } from '../../../protocol/grants.ts'
import type { KeySet } from '../../../tracker-client/api/schemas.ts'

export const seconds = (): number => Math.floor(Date.now() / 1000)

/** A tracker's signing keys, and the source that gives peers the public halves. */
export class TestKeys implements KeySource {
  readonly #keys = new Map<string, KeyObject>()
  #published: KeySet = { keys: [] }
  #known: KeySet = { keys: [] }
  refreshes = 0

  constructor() {
    this.rotate('first')
    this.#known = this.#published
  }

  /** Makes another key; peers learn of it when they refresh. */
  rotate(kid: string): void {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const { x = '' } = publicKey.export({ format: 'jwk' })
    this.#keys.set(kid, privateKey)
    this.#published = { keys: [...this.#published.keys, { kid, kty: 'OKP', crv: 'Ed25519', x }] }
  }

  current(): KeySet {
    return this.#known
  }

  async refresh(): Promise<KeySet> {
    this.refreshes++
    this.#known = this.#published
    return this.#known
  }

  /** Signs a valid grant for the certificate and file, with `changes` to its claims or header. */
  sign(
    fileId: string,
    fingerprint: string,
    changes: Partial<GrantClaims> = {},
    header: { kid?: string; typ?: string } = {},
  ): Promise<string> {
    const iat = seconds()
    const cnf = { 'x5t#S256': fingerprint }
    const claims = { sub: 'ann', grp: 'team', fid: fileId, cnf, iat, exp: iat + GRANT_LIFETIME_S, ...changes }
    const { kid = 'first', typ = GRANT_TYPE } = header
    return new SignJWT(claims)
      .setProtectedHeader({ alg: GRANT_ALGORITHM, typ, kid })
      .sign(this.#keys.get(kid)!)
  }
}
