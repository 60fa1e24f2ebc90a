import { useState } from 'preact/hooks'
import { groupPath } from '../client.js'
import { useShell } from '../context.js'
import { number, sentence } from '../format.js'
import { html } from '../html.js'
import { Empty, Heading, Loading, Problem, Section, Table } from '../parts.js'
import { useResource } from '../resource.js'
import { addressOf } from '../route.js'

const EVERY_MS = 5000
/** Pages of 100 groups to read, and groups whose waiting requests to fetch. */
const MAX_PAGES = 10
const MAX_ASKED = 20

/** @typedef {{ group: string, owner: string, members: number, role: string | null, waiting?: number }} Group */

/** The user's groups and the other groups. */
export function GroupsView() {
  const { client } = useShell()
  const { data, error } = useResource((signal) => loadGroups(client, signal), [client], { every: EVERY_MS })
  const groups = data?.groups ?? []
  const mine = groups.filter(({ role }) => role !== null)
  const others = groups.filter(({ role }) => role === null)
  return html`<${Heading} title="Groups" />
    ${error && !data ? html`<${Problem}>${sentence(error.message)}<//>` : !data && html`<${Loading} />`}
    ${data && html`<${Mine} groups=${mine} />`}
    ${others.length > 0 && html`<${Others} groups=${others} />`}
    ${data?.isCut && html`<${Empty}>Only the first ${number(groups.length)} groups are shown.<//>`}`
}

/**
 * @param {import('../client.js').Client} client
 * @param {AbortSignal} signal
 */
async function loadGroups(client, signal) {
  /** @type {Group[]} */
  const groups = []
  let after = /** @type {string | null} */ ('')
  for (let page = 0; page < MAX_PAGES && after !== null; page++) {
    const query = after === '' ? '' : `?after=${encodeURIComponent(after)}`
    const answer = await client.ask('GET', `/groups${query}`, { signal })
    groups.push(...answer.groups)
    after = answer.next
  }
  const administered = groups.filter(({ role }) => role === 'owner' || role === 'admin').slice(0, MAX_ASKED)
  await Promise.all(
    administered.map(async (each) => {
      const { requests } = await client.ask('GET', groupPath(each.group, '/requests'), {
        group: each.group,
        signal,
      })
      each.waiting = requests.length
    }),
  )
  return { groups, isCut: after !== null }
}

/** @param {{ groups: Group[] }} props */
function Mine({ groups }) {
  const columns = [
    {
      label: 'Group',
      cell: (/** @type {Group} */ { group }) => html`<a href=${addressOf(group)}>${group}</a>`,
    },
    { label: 'Your role', cell: (/** @type {Group} */ { role }) => role },
    { label: 'Owner', cell: (/** @type {Group} */ { owner }) => owner },
    { label: 'Members', kind: 'number', cell: (/** @type {Group} */ { members }) => number(members) },
    {
      label: 'Join requests',
      kind: 'number',
      cell: (/** @type {Group} */ { waiting = 0 }) =>
        waiting > 0
          ? html`<span class="badge">${number(waiting)}<span class="unseen"> waiting</span></span>`
          : '–',
    },
  ]
  return html`<${Section} title="Your groups" id="mine">
    ${
      groups.length === 0
        ? html`<${Empty}>You are not in a group yet.<//>`
        : html`<${Table} label="Your groups" columns=${columns} rows=${groups} keyOf=${nameOf} />`
    }
  <//>`
}

const nameOf = (/** @type {Group} */ { group }) => group

/** @param {{ groups: Group[] }} props */
function Others({ groups }) {
  const columns = [
    { label: 'Group', cell: nameOf },
    { label: 'Owner', cell: (/** @type {Group} */ { owner }) => owner },
    { label: 'Members', kind: 'number', cell: (/** @type {Group} */ { members }) => number(members) },
    {
      label: 'Join',
      kind: 'actions',
      cell: (/** @type {Group} */ { group }) => html`<${Ask} group=${group} />`,
    },
  ]
  return html`<${Section} title="Other groups" id="others">
    <${Table} label="Other groups" columns=${columns} rows=${groups} keyOf=${nameOf} />
  <//>`
}

/** @param {{ group: string }} props */
function Ask({ group }) {
  const { client, say } = useShell()
  const [state, setState] = useState('')
  async function ask() {
    if (state) return
    setState('Asking…')
    try {
      await client.ask('POST', groupPath(group, '/requests'), { group, change: true })
      say(`You have asked to join ${group}.`)
      setState('Asked')
    } catch (error) {
      const { code, message } = /** @type {import('../client.js').Refused} */ (error)
      setState(code === 'ALREADY_REQUESTED' ? 'Asked' : '')
      say(sentence(message))
    }
  }
  return html`<button type="button" class="quiet" aria-disabled=${state !== ''} onClick=${ask}>
    ${state || 'Ask to join'}<span class="unseen"> ${group}</span>
  </button>`
}
