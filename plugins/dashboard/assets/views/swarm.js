import { groupPath } from '../client.js'
import { useShell } from '../context.js'
import { number, percent, rate, sentence, short } from '../format.js'
import { html } from '../html.js'
import { Empty, Figures, Loading, Problem, Section, Table } from '../parts.js'
import { useResource } from '../resource.js'
import { copiesOf, copiesShade, copiesText, sharesOf, sharesText } from '../swarm-picture.js'

const EVERY_MS = 1000

/**
 * @typedef {import('../swarm-picture.js').SwarmPeer} SwarmPeer
 * @typedef {{ chunks: number, total: number, seeds: number, leechers: number, down: number, up: number,
 *   peers: SwarmPeer[] }} Swarm
 */

/** Who holds which part of a file, and how fast it moves. @param {{ group: string, fileId: string }} props */
export function SwarmPicture({ group, fileId }) {
  const { client } = useShell()
  /** @type {import('../resource.js').Loaded<Swarm>} */
  const { data, error } = useResource(
    (signal) => client.ask('GET', groupPath(group, `/swarms/${fileId}`), { group, signal }),
    [client, group, fileId],
    { every: EVERY_MS },
  )
  return html`<${Section} title="Swarm" id="swarm">
    ${data ? html`<${Picture} swarm=${data} />` : error ? html`<${Problem}>${sentence(error.message)}<//>` : html`<${Loading} />`}
  <//>`
}

/** @param {{ swarm: Swarm }} props */
function Picture({ swarm }) {
  const { peers, total, seeds, leechers, down, up } = swarm
  const held = peers.map(({ parts }) => sharesOf(parts))
  const copies = copiesOf(held)
  const figures = [
    ['Seeds', number(seeds)],
    ['Leechers', number(leechers)],
    ['Received', rate(down)],
    ['Sent', rate(up)],
  ]
  if (peers.length === 0)
    return html`<${Figures} items=${figures} />
      <${Empty}>No peer serves this file now: nobody can download it until one that has it is started.<//>`
  return html`<${Figures} items=${figures} />
    <div class="together">
      <p>${copiesText(copies)}</p>
      <${Bar} shades=${copies.map(copiesShade)} text=${copiesText(copies)} class="copies" />
    </div>
    <${Table} class="swarm" label="Peers of this file" columns=${COLUMNS} rows=${peers} keyOf=${idOf} />
    ${total > peers.length && html`<${Empty}>${number(peers.length)} of ${number(total)} peers are shown.<//>`}
    <p class="legend" aria-hidden="true">
      A bar is the file from its beginning to its end:
      <span class="swatch"></span> not there <span class="swatch some"></span> in part
      <span class="swatch whole"></span> whole
    </p>`
}

const idOf = (/** @type {SwarmPeer} */ { peer }) => peer

const COLUMNS = [
  {
    label: 'Peer',
    cell: (/** @type {SwarmPeer} */ { peer, user }) =>
      html`${user} <code title=${peer}>${short(peer)}</code>`,
  },
  {
    label: 'Parts',
    kind: 'wide',
    cell: (/** @type {SwarmPeer} */ { parts }) => {
      const shares = sharesOf(parts)
      return html`<${Bar} shades=${shares.map((share) => share / 255)} text=${sharesText(shares)} />`
    },
  },
  { label: 'Held', kind: 'number', cell: heldText },
  { label: 'Receives', kind: 'number', cell: (/** @type {SwarmPeer} */ { down }) => rate(down) },
  { label: 'Sends', kind: 'number', cell: (/** @type {SwarmPeer} */ { up }) => rate(up) },
]

/** @param {SwarmPeer} peer */
function heldText({ seed, parts }) {
  if (seed) return 'all'
  const shares = sharesOf(parts)
  if (shares.length === 0) return 'unknown'
  return percent(shares.reduce((sum, share) => sum + share, 0) / shares.length / 255)
}

/**
 * A file from its beginning to its end, each part shaded by how much of it is there; `text` says the same.
 * @param {{ shades: readonly number[], text: string, class?: string }} props
 */
function Bar({ shades, text, class: className = '' }) {
  const width = Math.max(1, shades.length)
  return html`<svg class=${`parts ${className}`} role="img" aria-label=${text} viewBox=${`0 0 ${width} 1`}
      preserveAspectRatio="none">
    <rect class="track" width=${width} height="1" />
    ${shades.map(
      (shade, i) =>
        shade > 0 &&
        html`<rect key=${i} class=${shade < 1 ? 'some' : 'whole'} x=${i} width="1.02"
      height="1" fill-opacity=${(0.25 + 0.75 * shade).toFixed(2)} />`,
    )}
  </svg>`
}
