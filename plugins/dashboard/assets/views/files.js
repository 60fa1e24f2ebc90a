import { useState } from 'preact/hooks'
import { groupPath } from '../client.js'
import { useShell } from '../context.js'
import { bytes, counted, dateTime, number } from '../format.js'
import { html } from '../html.js'
import { Empty, Loading, Section, Table } from '../parts.js'
import { useResource } from '../resource.js'
import { addressOf } from '../route.js'

/** Initial and maximum number of files; the maximum is one page of the API. */
const PAGE = 50
const MOST = 1000
/** Seeders and leechers change without a group event, so poll. */
const EVERY_MS = 5000

/**
 * @typedef {{ name: string, fileId: string, size: number, version: number, uploader: string, added: string,
 *   seeders: number, leechers: number, tree?: Tree }} File
 * @typedef {{ entries: number, files: number, bytes: number }} Tree What the tracker knows of a snapshot's tree.
 */

/** @param {{ group: string, total: number }} props */
export function Files({ group, total }) {
  const { client } = useShell()
  const [prefix, setPrefix] = useState('')
  const [limit, setLimit] = useState(PAGE)
  const { data } = useResource(
    (signal) => {
      const query = new URLSearchParams({ limit: String(limit), ...(prefix ? { prefix } : {}) })
      return client.ask('GET', groupPath(group, `/files?${query}`), { group, signal })
    },
    [client, group, prefix, limit],
    { every: EVERY_MS, when: ({ type }) => type.startsWith('file.') },
  )
  /** @type {File[]} */
  const files = data?.files ?? []
  const aside = total > PAGE && html`<${Below} onChange=${setPrefix} />`
  return html`<${Section} title="Files" id="files" aside=${aside}>
    ${!data && html`<${Loading} />`}
    ${data && files.length === 0 && html`<${Empty}>${prefix ? `No file is named ${prefix} or is in that folder.` : emptyText(group)}<//>`}
    ${files.length > 0 && html`<${FileTable} group=${group} files=${files} />`}
    ${
      data?.next &&
      (limit < MOST
        ? html`<button type="button" class="quiet more" onClick=${() => setLimit(Math.min(limit * 4, MOST))}>Show more</button>`
        : html`<${Empty}>Showing the first ${number(MOST)}. Enter a folder to see others.<//>`)
    }
  <//>`
}

const emptyText = (/** @type {string} */ group) =>
  html`No files yet. <code>shoal peer upload FILE --group ${group}</code> publishes one.`

/** @param {{ group: string, files: File[] }} props */
function FileTable({ group, files }) {
  const columns = [
    {
      label: 'Name',
      kind: 'wide',
      cell: (/** @type {File} */ { name }) => html`<a href=${addressOf(group, name)}>${name}</a>`,
    },
    { label: 'Kind', cell: kindText },
    { label: 'Size', kind: 'number', cell: (/** @type {File} */ { size }) => bytes(size) },
    { label: 'Version', kind: 'number', cell: (/** @type {File} */ { version }) => number(version) },
    { label: 'Seeds', kind: 'number', cell: (/** @type {File} */ { seeders }) => seedText(seeders) },
    { label: 'Leechers', kind: 'number', cell: (/** @type {File} */ { leechers }) => number(leechers) },
    { label: 'From', cell: (/** @type {File} */ { uploader }) => uploader },
    { label: 'Published', cell: (/** @type {File} */ { added }) => dateTime(added) },
  ]
  return html`<${Table} label="Files" columns=${columns} rows=${files} keyOf=${(/** @type {File} */ { name }) => name} />`
}

/** "File", or "Snapshot, 12 entries". */
export const kindText = (/** @type {{ tree?: Tree }} */ { tree }) =>
  tree ? `Snapshot, ${counted(tree.entries, 'entry', 'entries')}` : 'File'

const seedText = (/** @type {number} */ seeders) =>
  seeders > 0 ? number(seeders) : html`<span class="warn">none</span>`

/** @param {{ onChange: (prefix: string) => void }} props */
function Below({ onChange }) {
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault()
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget))
    onChange(String(form.get('prefix')).trim().replace(/\/+$/, ''))
  }
  return html`<form class="below" role="search" onSubmit=${submit}>
    <label for="prefix">Folder or file</label>
    <input id="prefix" name="prefix" autocapitalize="none" spellcheck=${false} maxlength="1024" />
    <button type="submit" class="quiet">Show</button>
  </form>`
}
