import { ShoalError } from './errors.ts'

/**
 * A grant: an EdDSA JWT (RFC 7519, RFC 8037) that the tracker signs and a peer verifies without asking
 * anyone. It lets one certificate fetch one file of one group. Peers send it as `Authorization: Bearer`.
 */
export const GRANT_ALGORITHM = 'EdDSA'
export const GRANT_TYPE = 'shoal-grant+jwt'
/** Longest life of a grant, in seconds. */
export const GRANT_LIFETIME_S = 300
/** Clock difference between tracker and peer that is forgiven, in seconds. */
export const CLOCK_TOLERANCE_S = 30

export interface GrantClaims {
  /** The user on whose behalf the file is fetched. */
  sub: string
  /** Group and file id. */
  grp: string
  fid: string
  /** SHA-256 of the fetching peer's certificate in hex (RFC 8705 calls it x5t#S256). */
  cnf: { 'x5t#S256': string }
  /** Seconds since the epoch. */
  iat: number
  exp: number
}

export interface GrantUse {
  fileId: string
  /** Groups in which the serving peer shares this file. */
  groups: ReadonlySet<string>
  /** Fingerprint of the certificate that the client proved, null on a connection without TLS. */
  fingerprint: string | null
  /** Seconds since the epoch. */
  now: number
}

/** Checks claims whose signature is already verified against the use that is made of them; throws GRANT_INVALID. */
export function checkGrantClaims(claims: unknown, use: GrantUse): GrantClaims {
  const c = claims as Partial<GrantClaims> | null
  const wellFormed =
    c !== null &&
    typeof c === 'object' &&
    typeof c.sub === 'string' &&
    typeof c.grp === 'string' &&
    typeof c.fid === 'string' &&
    typeof c.iat === 'number' &&
    typeof c.exp === 'number' &&
    typeof c.cnf?.['x5t#S256'] === 'string'
  if (!wellFormed) throw refused('it is not well-formed')
  const grant = c as GrantClaims
  if (grant.fid !== use.fileId) throw refused('it is for another file')
  if (!use.groups.has(grant.grp)) throw refused('it is for another group')
  if (grant.exp - grant.iat > GRANT_LIFETIME_S) throw refused('it lives too long')
  if (grant.iat > use.now + CLOCK_TOLERANCE_S) throw refused('it is from the future')
  if (grant.exp < use.now - CLOCK_TOLERANCE_S) throw refused('it has expired')
  if (use.fingerprint !== null && grant.cnf['x5t#S256'] !== use.fingerprint)
    throw refused('it belongs to another peer')
  return grant
}

export function refused(why: string): ShoalError {
  return new ShoalError('GRANT_INVALID', `the grant is refused: ${why}`, {
    hint: 'ask the tracker for a new grant',
  })
}

/**
 * The answer to who shows no grant that the fleet signed: the same whether the file is here or not, so that
 * strangers learn nothing of what a peer holds.
 */
export function refusedToStranger(): ShoalError {
  return refused('this peer does not serve that file to you')
}
