import { createLocalJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import {
  CLOCK_TOLERANCE_S,
  checkGrantClaims,
  GRANT_ALGORITHM,
  GRANT_TYPE,
  type GrantClaims,
  refused,
  refusedToStranger,
} from '../../protocol/grants.ts'
import type { KeySet } from '../../tracker/api/schemas.ts'
import type { ServedFile } from './library.ts'

/** Keys that sign grants; `refresh` asks the tracker, and is called when a grant names an unknown key. */
export interface KeySource {
  current(): KeySet
  refresh(): Promise<KeySet>
}

const REFRESH_PAUSE_MS = 5000

/** Decides who may fetch: verifies signatures once a grant, and claims at every request. */
export class GrantVerifier {
  readonly #keys: KeySource
  readonly #verified = new LRUCache<string, JWTPayload>({ max: 5000 })
  /** "group/user" → seconds since the epoch: grants issued until then are void. */
  readonly #revoked = new Map<string, number>()
  #refreshedAt = Number.NEGATIVE_INFINITY
  #refreshing: Promise<KeySet> | null = null

  constructor(keys: KeySource) {
    this.#keys = keys
  }

  /** Voids the grants that `user` holds for `group`, issued until `at` (seconds since the epoch). */
  revoke(group: string, user: string, at: number): void {
    this.#revoked.set(`${group}/${user}`, at)
  }

  /** Throws GRANT_INVALID unless the grant lets `fingerprint` fetch `file` now. */
  async check(token: string | null, file: ServedFile, fingerprint: string | null): Promise<GrantClaims> {
    if (token === null) throw refusedToStranger()
    const payload = this.#verified.get(token) ?? (await this.#verify(token))
    const claims = checkGrantClaims(payload, {
      fileId: file.fileId,
      groups: file.groups,
      fingerprint,
      now: Date.now() / 1000,
    })
    if (claims.iat <= (this.#revoked.get(`${claims.grp}/${claims.sub}`) ?? 0))
      throw refused('the member was removed')
    return claims
  }

  async #verify(token: string): Promise<JWTPayload> {
    const payload = await this.#verifyWith(this.#keys.current(), token)
      .catch(async (error: unknown) => {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
        return this.#verifyWith(await this.#freshKeys(), token)
      })
      .catch((error: unknown) => {
        throw error instanceof errors.JWTExpired ? refused('it has expired') : refusedToStranger()
      })
    this.#verified.set(token, payload)
    return payload
  }

  /** Asks for the keys once for all who wait, and not again for a while: grants with made-up keys cost no more. */
  #freshKeys(): Promise<KeySet> {
    if (this.#refreshing && performance.now() - this.#refreshedAt < REFRESH_PAUSE_MS) return this.#refreshing
    this.#refreshedAt = performance.now()
    this.#refreshing = this.#keys.refresh()
    return this.#refreshing
  }

  async #verifyWith(keys: KeySet, token: string): Promise<JWTPayload> {
    const options = { algorithms: [GRANT_ALGORITHM], typ: GRANT_TYPE, clockTolerance: CLOCK_TOLERANCE_S }
    return (await jwtVerify(token, createLocalJWKSet(keys), options)).payload
  }
}
