import { groupPath } from '../client.js'
import { useShell } from '../context.js'
import { counted, dateTime, sentence } from '../format.js'
import { html } from '../html.js'
import { Heading, Loading, Problem, Section, Table } from '../parts.js'
import { useResource } from '../resource.js'
import { Files } from './files.js'
import { Moving } from './moving.js'
import { Requests } from './requests.js'

/** @typedef {{ user: string, role: string, since: string }} Member */

/** A group at a glance. @param {{ group: string }} props */
export function GroupView({ group }) {
  const { client } = useShell()
  const { data, error } = useResource(
    (signal) => client.ask('GET', groupPath(group), { group, signal }),
    [client, group],
    { when: ({ type }) => type.startsWith('member.') || type.startsWith('file.') },
  )
  const isAdmin = data?.role === 'owner' || data?.role === 'admin'
  return html`<${Heading} title=${group} back=${{ href: '#/', text: 'Groups' }}>
      ${
        data &&
        html`<p class="lead">
          ${counted(data.files, 'file')} · ${counted(data.members.length, 'member')} · owned by ${data.owner} · you
          are ${data.role === 'member' ? 'a member' : data.role === 'admin' ? 'an admin' : 'the owner'}
        </p>`
      }
    <//>
    ${!data && (error ? html`<${Problem}>${sentence(error.message)}<//>` : html`<${Loading} />`)}
    ${isAdmin && html`<${Requests} group=${group} />`}
    <${Moving} group=${group} />
    <${Files} group=${group} total=${data?.files ?? 0} />
    ${data && html`<${Members} members=${data.members} />`}`
}

const ORDER = ['owner', 'admin', 'member']

/** @param {{ members: Member[] }} props */
function Members({ members }) {
  const rows = members.toSorted(
    (a, b) => ORDER.indexOf(a.role) - ORDER.indexOf(b.role) || (a.user < b.user ? -1 : 1),
  )
  const columns = [
    { label: 'User', cell: (/** @type {Member} */ { user }) => user },
    { label: 'Role', cell: (/** @type {Member} */ { role }) => role },
    { label: 'Since', cell: (/** @type {Member} */ { since }) => dateTime(since) },
  ]
  return html`<${Section} title="Members" id="members">
    <${Table} label="Members" columns=${columns} rows=${rows} keyOf=${userOf} />
  <//>`
}

const userOf = (/** @type {Member} */ { user }) => user
