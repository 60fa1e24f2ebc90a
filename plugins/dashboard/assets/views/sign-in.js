import { useEffect, useRef, useState } from 'preact/hooks'
import { sentence } from '../format.js'
import { html } from '../html.js'

/**
 * @param {{ client: import('../client.js').Client, notice: string,
 *   onEnter: (session: import('../session.js').Session) => void }} props
 */
export function SignIn({ client, notice, onEnter }) {
  const [problem, setProblem] = useState('')
  const [isBusy, setBusy] = useState(false)
  const password = useRef(/** @type {HTMLInputElement | null} */ (null))
  useEffect(() => {
    document.title = 'Sign in – Shoal'
    document.getElementById('user')?.focus()
  }, [])

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault()
    if (isBusy) return
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget))
    setBusy(true)
    setProblem('')
    try {
      const body = { user: form.get('user'), password: form.get('password') }
      onEnter(await client.ask('POST', '/sessions', { body, change: true }))
    } catch (error) {
      setProblem(sentence(/** @type {Error} */ (error).message))
      setBusy(false)
      password.current?.select()
    }
  }

  return html`<main class="entrance">
    <form onSubmit=${submit}>
      <img src="icon.svg" alt="" width="44" height="44" />
      <h1>Sign in to Shoal</h1>
      ${notice && html`<p class="notice" role="status">${notice}</p>`}
      <label for="user">User name</label>
      <input id="user" name="user" autocomplete="username" autocapitalize="none" spellcheck=${false}
        required maxlength="64" />
      <label for="password">Password</label>
      <input id="password" name="password" type="password" autocomplete="current-password" ref=${password}
        required maxlength="1024" aria-describedby=${problem ? 'problem' : null} aria-invalid=${problem ? 'true' : null} />
      <p id="problem" class="problem" role="alert">${problem}</p>
      <button type="submit" aria-disabled=${isBusy}>${isBusy ? 'Signing in…' : 'Sign in'}</button>
    </form>
  </main>`
}
