/**
 * The session, kept for this tab only and until it closes. Other sites cannot read it, and because there is
 * no cookie, they cannot make requests with it either.
 *
 * @typedef {{ user: string, token: string, expires: string }} Session
 */
const KEY = 'shoal.session'

/** @returns {Session | null} */
export function storedSession() {
  try {
    const session = JSON.parse(sessionStorage.getItem(KEY) ?? 'null')
    return session && Date.parse(session.expires) > Date.now() ? session : null
  } catch {
    return null
  }
}

/** @param {Session | null} session */
export function storeSession(session) {
  try {
    if (session) sessionStorage.setItem(KEY, JSON.stringify(session))
    else sessionStorage.removeItem(KEY)
  } catch {
    // This browser stores nothing, so the session lives as long as the page.
  }
}
