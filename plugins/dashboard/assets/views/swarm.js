import { groupPath } from '../client.js'
import { useShell } from '../context.js'
import { number, percent, rate, sentence, short } from '../format.js'
import { html } from '../html.js'
import { Empty, Figures, Loading, Problem, Section, Table } from '../parts.js'
import { useResource } from '../resource.js'
import { copiesOf, copiesText, rangeText, runsOf, sharesOf, sharesText } from '../swarm-picture.js'

const EVERY_MS = 1000

/**
 * @typedef {import('../swarm-picture.js').SwarmPeer} SwarmPeer
 * @typedef {{ chunks: number, total: number, seeds: number, leechers: number, down: number, up: number,
 *   peers: SwarmPeer[] }} Swarm
 */

/**
 * Shows which peer holds which part of a file, and how fast it moves. @param {{ group: string, fileId: string
 * }} props
 */
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
    ['Receiving', rate(down)],
    ['Sending', rate(up)],
  ]
  if (peers.length === 0)
    return html`<${Figures} items=${figures} />
      <${Empty}>No peer serves this file now. To download it, start a peer that has it.<//>`
  return html`<${Figures} items=${figures} />
    <div class="together">
      <p>${copiesText(copies)}</p>
      <${Skyline} copies=${copies} />
    </div>
    <${Table} class="swarm" label="Peers of this file" columns=${COLUMNS} rows=${peers} keyOf=${idOf} />
    ${total > peers.length && html`<${Empty}>${number(peers.length)} of ${number(total)} peers are shown.<//>`}
    <p class="legend" aria-hidden="true">
      <span>Each bar shows the file from start to end.</span>
      <span><i class="swatch"></i>missing</span>
      <span><i class="swatch some"></i>partial</span>
      <span><i class="swatch whole"></i>complete</span>
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
 * A bar for the file from start to end, each part shaded by the share held. `text` says the same.
 * @param {{ shades: readonly number[], text: string }} props
 */
function Bar({ shades, text }) {
  return html`<svg class="parts" role="img" aria-label=${text} viewBox=${`0 0 ${shades.length || 1} 1`}
      preserveAspectRatio="none">
    ${runsOf(shades).map(
      ({ start, length, value }) =>
        value > 0 &&
        html`<rect key=${start} x=${start} width=${length} height="1" fill-opacity=${opacity(value)} />`,
    )}
  </svg>`
}

/** Keeps a partial part distinct from a missing and from a complete one. @param {number} share */
const opacity = (share) => (share < 1 ? (0.2 + 0.55 * share).toFixed(2) : '1')

/**
 * Copies of each part, as heights.
 * @param {{ copies: readonly number[] }} props
 */
function Skyline({ copies }) {
  const most = Math.max(1, ...copies)
  return html`<svg class="parts copies" role="img" aria-label=${rangeText(copies)}
      viewBox=${`0 0 ${copies.length || 1} ${most}`} preserveAspectRatio="none">
    ${runsOf(copies).map(
      ({ start, length, value }) =>
        html`<rect key=${start} class=${value < 1 ? 'lacking' : ''} x=${start} y=${most - value} width=${length}
          height=${value} />`,
    )}
  </svg>`
}
