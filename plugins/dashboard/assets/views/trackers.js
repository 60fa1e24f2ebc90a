import { useShell } from '../context.js'
import { bytes, counted, duration, number, sentence } from '../format.js'
import { html } from '../html.js'
import { Figures, Heading, Loading, Problem, Section, Table } from '../parts.js'
import { useResource } from '../resource.js'

const EVERY_MS = 3000

/**
 * @typedef {{ id: string, url: string, revisionLag: number, uptime: number, memory: number, swarms: number,
 *   peers: number }} Replica
 */

const COLUMNS = [
  { label: 'Replica', kind: 'wide', cell: (/** @type {Replica} */ { url }) => url },
  { label: 'Lag', cell: (/** @type {Replica} */ { revisionLag }) => lagText(revisionLag) },
  { label: 'Up for', kind: 'number', cell: (/** @type {Replica} */ { uptime }) => duration(uptime) },
  { label: 'Peers', kind: 'number', cell: (/** @type {Replica} */ { peers }) => number(peers) },
  { label: 'Swarms', kind: 'number', cell: (/** @type {Replica} */ { swarms }) => number(swarms) },
  { label: 'Memory', kind: 'number', cell: (/** @type {Replica} */ { memory }) => bytes(memory) },
]

/** @param {number} lag */
const lagText = (lag) =>
  lag === 0
    ? html`<span class="good">current</span>`
    : html`<span class="warn">${counted(lag, 'change')} behind</span>`

const KINDS = {
  unix: 'An embedded Redis server',
  single: 'One Redis server',
  sentinel: 'A Sentinel group of Redis servers',
  cluster: 'A Redis Cluster',
}

/** @param {{ kind: string, masters: number, copies: number, memory: number }} redis */
function storeText({ kind, masters, copies, memory }) {
  const what = KINDS[/** @type {keyof typeof KINDS} */ (kind)] ?? kind
  const where = masters > 1 ? ` on ${counted(masters, 'master')}` : ''
  const replicas = copies > 0 ? `, and ${counted(copies, 'Redis replica')}` : ''
  return `${what}, with ${bytes(memory)} of data${where}${replicas}.`
}

/** The tracker's replicas and their contents, like `shoal tracker status`. */
export function TrackersView() {
  const { client } = useShell()
  const { data, error } = useResource((signal) => client.ask('GET', '/status', { signal }), [client], {
    every: EVERY_MS,
  })
  if (!data)
    return html`<${Heading} title="Trackers" />
      ${error ? html`<${Problem}>${sentence(error.message)}<//>` : html`<${Loading} />`}`
  const { users, groups, files, peers, swarms, redis } = data
  const totals = { Users: users, Groups: groups, Files: files, Peers: peers, Swarms: swarms }
  return html`<${Heading} title="Trackers" />
    <${Figures} items=${Object.entries(totals).map(([name, value]) => [name, number(value)])} />
    <${Section} title="Replicas" id="replicas">
      <${Table} label="Replicas" columns=${COLUMNS} rows=${data.replicas} keyOf=${(/** @type {Replica} */ { id }) => id} />
    <//>
    <${Section} title="Store" id="store">
      <p>${storeText(redis)}</p>
    <//>`
}
