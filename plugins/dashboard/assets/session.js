/**
 * The session, kept for this tab alone and until it is closed: another site's page cannot read it, and as no
 * cookie is sent by itself, none can make requests with it either.
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
    // A browser that keeps nothing: the session lives as long as the page.
  }
}
