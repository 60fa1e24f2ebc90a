import { createHash, randomBytes } from 'node:crypto'

/** Life of a login session. */
export const SESSION_MS = 30 * 24 * 3600 * 1000

/** A session token: "shoal_USER.SECRET", the secret 32 random bytes in base64url. */
export function newToken(user: string): string {
  return `shoal_${user}.${randomBytes(32).toString('base64url')}`
}

/** What is stored in place of a token: 256 random bits need no slow hash. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** The user whom a token claims to be; null where it is no token. */
export function userOfToken(token: string): string | null {
  const match = /^shoal_([A-Za-z0-9._-]{1,64})\.[A-Za-z0-9_-]{43}$/.exec(token)
  return match?.[1] ?? null
}
