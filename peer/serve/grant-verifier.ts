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
import type { KeySet } from '../../tracker-client/api/schemas.ts'
import { steadyNow } from '../wire/steady-clock.ts'
import type { ServedFile } from './library.ts'
import type { Memberships } from './memberships.ts'

/** Keys that sign grants. `refresh` asks the tracker; the verifier calls it when a grant names an unknown key. */
export interface KeySource {
  current(): KeySet
  refresh(): Promise<KeySet>
}

const REFRESH_PAUSE_MS = 5000

/** Decides who may fetch. It verifies a grant's signature once, and its claims and membership at every request. */
export class GrantVerifier {
  readonly memberships: Memberships
  readonly #keys: KeySource
  readonly #verified = new LRUCache<string, JWTPayload>({ max: 5000 })
  #refreshedAt = Number.NEGATIVE_INFINITY
  #refreshing: Promise<KeySet> | null = null

  constructor(keys: KeySource, memberships: Memberships) {
    this.#keys = keys
    this.memberships = memberships
  }

  /**
   * Throws GRANT_INVALID unless the grant lets `fingerprint` fetch `file` now. Soon after the start it may wait for
   * the group's members.
   */
  async check(token: string | null, file: ServedFile, fingerprint: string | null): Promise<GrantClaims> {
    if (token === null) throw refusedToStranger()
    const payload = this.#verified.get(token) ?? (await this.#verify(token))
    const claims = checkGrantClaims(payload, {
      fileId: file.fileId,
      groups: file.groups,
      fingerprint,
      now: steadyNow() / 1000,
    })
    if (this.memberships.refusal(claims) !== null) await this.memberships.known(claims.grp)
    const why = this.memberships.refusal(claims)
    if (why !== null) throw refused(why)
    return claims
  }

  /** Whether a grant that `check` accepted is still valid. */
  isGood(claims: GrantClaims): boolean {
    return claims.exp >= steadyNow() / 1000 - CLOCK_TOLERANCE_S && this.memberships.refusal(claims) === null
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

  /** Asks for the keys once for all waiting requests, and then pauses, so that invented key ids cost little. */
  #freshKeys(): Promise<KeySet> {
    if (this.#refreshing && performance.now() - this.#refreshedAt < REFRESH_PAUSE_MS) return this.#refreshing
    this.#refreshedAt = performance.now()
    this.#refreshing = this.#keys.refresh()
    return this.#refreshing
  }

  async #verifyWith(keys: KeySet, token: string): Promise<JWTPayload> {
    const options = {
      algorithms: [GRANT_ALGORITHM],
      typ: GRANT_TYPE,
      clockTolerance: CLOCK_TOLERANCE_S,
      currentDate: new Date(steadyNow()),
    }
    return (await jwtVerify(token, createLocalJWKSet(keys), options)).payload
  }
}
