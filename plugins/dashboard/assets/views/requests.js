import { useState } from 'preact/hooks'
import { groupPath } from '../client.js'
import { useShell } from '../context.js'
import { dateTime, sentence } from '../format.js'
import { html } from '../html.js'
import { Empty, Problem, Section, Table } from '../parts.js'
import { useResource } from '../resource.js'

const TYPES = new Set(['member.requested', 'member.accepted', 'member.rejected'])

/** @typedef {{ user: string, since: string }} Request */

/** Join requests, for admins. @param {{ group: string }} props */
export function Requests({ group }) {
  const { client, say } = useShell()
  const [problem, setProblem] = useState('')
  const [busy, setBusy] = useState('')
  const { data, reload } = useResource(
    (signal) => client.ask('GET', groupPath(group, '/requests'), { group, signal }),
    [client, group],
    { when: ({ type }) => TYPES.has(type) },
  )
  /** @type {Request[]} */
  const requests = data?.requests ?? []

  /**
   * @param {'accept' | 'reject'} decision
   * @param {string} user
   */
  async function decide(decision, user) {
    if (busy) return
    setBusy(user)
    setProblem('')
    try {
      const body = { users: [user] }
      await client.ask('POST', groupPath(group, `/requests/${decision}`), { group, body, change: true })
      say(decision === 'accept' ? `${user} is now a member.` : `Rejected the request of ${user}.`)
      focusNext(user)
    } catch (error) {
      setProblem(sentence(/** @type {Error} */ (error).message))
    }
    setBusy('')
    reload()
  }

  const columns = [
    { label: 'User', cell: (/** @type {Request} */ { user }) => user },
    { label: 'Asked', cell: (/** @type {Request} */ { since }) => dateTime(since) },
    {
      label: 'Decide',
      kind: 'actions',
      cell: (/** @type {Request} */ { user }) => html`
        <button type="button" data-user=${user} aria-disabled=${busy === user} onClick=${() => decide('accept', user)}>
          Accept<span class="unseen"> ${user}</span>
        </button>
        <button type="button" class="quiet" aria-disabled=${busy === user} onClick=${() => decide('reject', user)}>
          Reject<span class="unseen"> ${user}</span>
        </button>`,
    },
  ]
  return html`<${Section} title="Join requests" id="requests" class=${requests.length > 0 ? 'wanting' : ''}>
    ${problem && html`<${Problem}>${problem}<//>`}
    ${
      requests.length === 0
        ? html`<${Empty}>Nobody is waiting.<//>`
        : html`<${Table} label="Join requests" columns=${columns} rows=${requests} keyOf=${userOf} />`
    }
  <//>`
}

const userOf = (/** @type {Request} */ { user }) => user

/** Moves the focus before its row disappears: to the next row's button, or to the heading. */
function focusNext(/** @type {string} */ user) {
  const buttons = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('button[data-user]')])
  const next = buttons.find((_, i) => buttons[i - 1]?.dataset.user === user)
  const target =
    next ?? buttons.find(({ dataset }) => dataset.user !== user) ?? document.getElementById('requests')
  target?.focus()
}
