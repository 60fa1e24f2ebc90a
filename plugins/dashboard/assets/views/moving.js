import { groupPath } from '../client.js'
import { useShell } from '../context.js'
import { number, rate } from '../format.js'
import { html } from '../html.js'
import { Empty, Section, Table } from '../parts.js'
import { useResource } from '../resource.js'
import { addressOf } from '../route.js'

const EVERY_MS = 2000

/** @typedef {{ fileId: string, name: string, seeds: number, leechers: number, down: number, up: number }} Swarm */

/** Current transfers; nothing when nothing moves. @param {{ group: string }} props */
export function Moving({ group }) {
  const { client } = useShell()
  const { data } = useResource(
    (signal) => client.ask('GET', groupPath(group, '/swarms'), { group, signal }),
    [client, group],
    { every: EVERY_MS },
  )
  /** @type {Swarm[]} */
  const swarms = (data?.swarms ?? []).filter((/** @type {Swarm} */ { down, up }) => down > 0 || up > 0)
  if (swarms.length === 0) return null
  const columns = [
    {
      label: 'File',
      kind: 'wide',
      cell: (/** @type {Swarm} */ { name }) => html`<a href=${addressOf(group, name)}>${name}</a>`,
    },
    { label: 'Seeds', kind: 'number', cell: (/** @type {Swarm} */ { seeds }) => number(seeds) },
    { label: 'Leechers', kind: 'number', cell: (/** @type {Swarm} */ { leechers }) => number(leechers) },
    { label: 'Receiving', kind: 'number', cell: (/** @type {Swarm} */ { down }) => rate(down) },
  ]
  return html`<${Section} title="Moving now" id="moving">
    <${Table} label="Moving now" columns=${columns} rows=${swarms} keyOf=${(/** @type {Swarm} */ { fileId }) => fileId} />
    ${data.total > swarms.length && html`<${Empty}>Showing the fastest ${number(swarms.length)} of ${number(data.total)}.<//>`}
  <//>`
}
