import { createHash, randomBytes } from 'node:crypto'

/** Lifetime of a login session. */
export const SESSION_MS = 30 * 24 * 3600 * 1000

/** A session token: "shoal_USER.SECRET", the secret 32 random bytes in base64url. */
export function newToken(user: string): string {
  return `shoal_${user}.${randomBytes(32).toString('base64url')}`
}

/** The hash that is stored in place of a token. With 256 random bits it need not be slow. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** The user that a token claims to be of, or null if it is malformed. */
export function userOfToken(token: string): string | null {
  const match = /^shoal_([A-Za-z0-9._-]{1,64})\.[A-Za-z0-9_-]{43}$/.exec(token)
  return match?.[1] ?? null
}
