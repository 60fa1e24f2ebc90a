import { useState } from 'preact/hooks'
import { useShell } from '../context.js'
import { bytes, dateTime, sentence } from '../format.js'
import { html } from '../html.js'
import { Empty, Loading, Problem, Section, Table } from '../parts.js'
import { useResource } from '../resource.js'

/**
 * @typedef {{ name: string, kind: 'file' | 'folder' | 'link', mode: string, mtime: string, size: number,
 *   target?: string }} Entry
 */

/** The tree of a snapshot, a folder at a time. @param {{ group: string, name: string, fileId: string }} props */
export function Contents({ group, name, fileId }) {
  const { client } = useShell()
  const [path, setPath] = useState('')
  const [pages, setPages] = useState(1)
  const { data, error, reload } = useResource(
    (signal) => load(client, group, `${name}@sha256:${fileId}`, path, pages, signal),
    [client, group, name, fileId, path, pages],
  )
  const go = (/** @type {string} */ to) => {
    setPath(to)
    setPages(1)
    document.getElementById('contents')?.focus()
  }
  const isShown = data?.path === path
  return html`<${Section} title="Contents" id="contents">
    ${path !== '' && html`<${Way} path=${path} name=${name} onGo=${go} />`}
    ${!isShown && (error ? html`<${Failure} error=${error} onAgain=${reload} />` : html`<${Loading} />`)}
    ${isShown && data.entries.length === 0 && html`<${Empty}>This folder is empty.<//>`}
    ${isShown && data.entries.length > 0 && html`<${Table} label="Contents" columns=${columnsFor(path, go)} rows=${data.entries} keyOf=${nameOf} />`}
    ${isShown && data.next !== null && html`<button type="button" class="quiet more" onClick=${() => setPages(pages + 1)}>Show more</button>`}
  <//>`
}

/** Peers come and go, so it may work later. @param {{ error: Error, onAgain: () => void }} props */
function Failure({ error, onAgain }) {
  return html`<${Problem}>${sentence(error.message)}<//>
    <button type="button" class="quiet more" onClick=${onAgain}>Try again</button>`
}

/** The folders above, each a button, and the open one. @param {{ path: string, name: string, onGo: (path: string) => void }} props */
function Way({ path, name, onGo }) {
  const parts = path.split('/')
  const above = [name, ...parts.slice(0, -1)]
  return html`<nav class="way" aria-label="Folders">
    ${above.map(
      (part, i) =>
        html`<button type="button" class="link" key=${i} onClick=${() => onGo(parts.slice(0, i).join('/'))}>${part}</button><span aria-hidden="true"> / </span>`,
    )}
    <span aria-current="true">${parts.at(-1)}</span>
  </nav>`
}

/**
 * @param {string} path
 * @param {(path: string) => void} go
 */
function columnsFor(path, go) {
  const below = (/** @type {string} */ name) => (path === '' ? name : `${path}/${name}`)
  return [
    {
      label: 'Name',
      kind: 'wide',
      cell: (/** @type {Entry} */ { name, kind, target }) =>
        kind === 'folder'
          ? html`<button type="button" class="link" onClick=${() => go(below(name))}>${name}/</button>`
          : kind === 'link'
            ? `${name} → ${target}`
            : name,
    },
    { label: 'Kind', cell: (/** @type {Entry} */ { kind }) => kind },
    { label: 'Mode', cell: (/** @type {Entry} */ { mode }) => html`<code>${mode || '–'}</code>` },
    {
      label: 'Size',
      kind: 'number',
      cell: (/** @type {Entry} */ { size, kind }) => (kind === 'link' ? '–' : bytes(size)),
    },
    { label: 'Modified', cell: (/** @type {Entry} */ { mtime }) => dateTime(mtime) },
  ]
}

const nameOf = (/** @type {Entry} */ { name }) => name

/**
 * The first pages of a folder.
 * @param {import('../client.js').Client} client
 * @param {string} group
 * @param {string} target
 * @param {string} path
 * @param {number} pages
 * @param {AbortSignal} signal
 * @returns {Promise<{ path: string, entries: Entry[], next: number | null }>}
 */
async function load(client, group, target, path, pages, signal) {
  /** @type {Entry[]} */
  const entries = []
  /** @type {number | null} */
  let next = 0
  for (let page = 0; page < pages && next !== null; page++) {
    const query = new URLSearchParams({ target, path, skip: String(next) })
    const address = `/trees/${encodeURIComponent(group)}?${query}`
    const part = await client.ask('GET', address, { own: true, signal })
    entries.push(...part.entries)
    next = part.next
  }
  return { path, entries, next }
}
