import { useCallback, useEffect, useMemo, useState } from 'preact/hooks'
import { Client, Unreachable } from './client.js'
import { ShellProvider } from './context.js'
import { clock, sentence } from './format.js'
import { html } from './html.js'
import { Link } from './link.js'
import { parseRoute } from './route.js'
import { storedSession, storeSession } from './session.js'
import { GroupScope } from './views/group-scope.js'
import { GroupsView } from './views/groups.js'
import { SignIn } from './views/sign-in.js'
import { TrackersView } from './views/trackers.js'

/** The whole page: the sign-in form, or the signed-in user's view. */
export function App() {
  const [session, setSession] = useState(storedSession)
  const [notice, setNotice] = useState('')
  const [, redraw] = useState(0)
  const link = useMemo(() => {
    const made = new Link()
    made.listener = () => redraw((count) => count + 1)
    return made
  }, [])

  const enter = useCallback((/** @type {import('./session.js').Session} */ entered) => {
    storeSession(entered)
    setNotice('')
    setSession(entered)
  }, [])
  const leave = useCallback((/** @type {string} */ why) => {
    storeSession(null)
    setNotice(why)
    setSession(null)
  }, [])

  const token = session?.token ?? null
  const client = useMemo(
    () => new Client(token, link, (message) => leave(`${sentence(message)} Sign in again.`)),
    [token, link, leave],
  )
  if (!session) return html`<${SignIn} client=${client} notice=${notice} onEnter=${enter} />`
  return html`<${SignedIn} key=${token} client=${client} user=${session.user} onLeave=${leave} />`
}

/** @param {{ client: Client, user: string, onLeave: (why: string) => void }} props */
function SignedIn({ client, user, onLeave }) {
  const route = useRoute()
  const [said, setSaid] = useState('')
  // A screen reader ignores unchanged text. A trailing non-breaking space makes a repeated text count as new.
  const say = useCallback(
    (/** @type {string} */ text) => setSaid((now) => (now === text ? `${text}\u00a0` : text)),
    [],
  )
  const shell = useMemo(() => ({ client, user, say }), [client, user, say])

  async function signOut() {
    try {
      await client.ask('DELETE', '/sessions/current', { change: true })
      onLeave('You are signed out.')
    } catch (error) {
      const lost = error instanceof Unreachable
      onLeave(
        lost
          ? 'Signed out here. The tracker did not answer, so the session stays valid until it expires.'
          : '',
      )
    }
  }

  return html`<${ShellProvider} value=${shell}>
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header class="bar">
      <div class="bar-inner">
        <a class="brand" href="#/"><img src="icon.svg" alt="" width="24" height="24" />Shoal</a>
        <nav aria-label="Main">
          <a href="#/" aria-current=${route.view === 'trackers' ? null : 'page'}>Groups</a>
          <a href="#/trackers" aria-current=${route.view === 'trackers' ? 'page' : null}>Trackers</a>
        </nav>
        <span class="who" title="Signed in">${user}</span>
        <button type="button" class="quiet" onClick=${signOut}>Sign out</button>
      </div>
    </header>
    <${Connection} link=${client.link} />
    <main id="main" tabindex="-1"><${View} route=${route} /></main>
    <div class="unseen" role="status" aria-live="polite">${said}</div>
  <//>`
}

/** The # of the page's address is the view, so a link to the content must not change it. */
function skip(/** @type {Event} */ event) {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

/** @param {{ route: import('./route.js').Route }} props */
function View({ route }) {
  if (route.view === 'groups') return html`<${GroupsView} />`
  if (route.view === 'trackers') return html`<${TrackersView} />`
  return html`<${GroupScope} key=${route.group} group=${route.group} name=${'name' in route ? route.name : null} />`
}

/** @param {{ link: Link }} props */
function Connection({ link }) {
  const text = link.isLost
    ? `Not connected. Showing data from ${clock(link.asOf)}. Trying again.`
    : link.isStale
      ? `The tracker cannot reach its store. Showing data from ${clock(link.asOf)}.`
      : ''
  return html`<div role="status" class=${text ? 'connection shown' : 'connection'}>${text}</div>`
}

/** The view in the address. Going to it, also by signing in, moves the focus to its heading. */
function useRoute() {
  const [hash, setHash] = useState(location.hash)
  useEffect(() => {
    const onChange = () => setHash(location.hash)
    addEventListener('hashchange', onChange)
    return () => removeEventListener('hashchange', onChange)
  }, [])
  useEffect(() => {
    scrollTo(0, 0)
    document.querySelector('h1')?.focus()
  }, [hash])
  return useMemo(() => parseRoute(hash), [hash])
}
