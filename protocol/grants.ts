import { ShoalError } from './errors.ts'

/**
 * A grant: an EdDSA JWT (RFC 7519, RFC 8037) that the tracker signs and a peer verifies without asking
 * anyone. It lets one certificate fetch one file of one group. Peers send it as `Authorization: Bearer`.
 */
export const GRANT_ALGORITHM = 'EdDSA'
export const GRANT_TYPE = 'shoal-grant+jwt'
/** Maximum lifetime of a grant, in seconds. */
export const GRANT_LIFETIME_S = 300
/** Tolerated clock difference between tracker and peer, in seconds. */
export const CLOCK_TOLERANCE_S = 30

export interface GrantClaims {
  /** The user who fetches the file. */
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
  /** Fingerprint of the certificate that the client proved; null without TLS. */
  fingerprint: string | null
  /** Seconds since the epoch. */
  now: number
}

/** Checks claims with a verified signature against their use. Throws GRANT_INVALID. */
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
 * The answer to a client without a valid grant. It is the same whether the file is here or not, so strangers
 * learn nothing about a peer's files.
 */
export function refusedToStranger(): ShoalError {
  return refused('this peer does not serve that file to you')
}
