import { groupPath } from '../client.js'
import { useShell } from '../context.js'
import { bytes, counted, dateTime, number, short } from '../format.js'
import { html } from '../html.js'
import { Empty, Section, Table } from '../parts.js'
import { useResource } from '../resource.js'
import { kindText } from './files.js'

/**
 * @typedef {{ version: number, fileId: string, size: number, uploader: string, added: string, tags?: string[],
 *   tree?: import('./files.js').Tree }} Version
 */

const NUMBER_AND_TAGS = [
  { label: 'Version', cell: (/** @type {Version} */ { version }) => `Version ${number(version)}` },
  { label: 'Tags', cell: (/** @type {Version} */ { tags = [] }) => tags.join(', ') },
]
const TREE = [
  { label: 'Kind', cell: kindText },
  { label: 'Files', kind: 'number', cell: filesText },
]
const REST = [
  { label: 'Size', kind: 'number', cell: (/** @type {Version} */ { size }) => bytes(size) },
  { label: 'From', cell: (/** @type {Version} */ { uploader }) => uploader },
  { label: 'Published', cell: (/** @type {Version} */ { added }) => dateTime(added) },
  {
    label: 'File id',
    cell: (/** @type {Version} */ { fileId }) => html`<code title=${fileId}>${short(fileId)}</code>`,
  },
]

/** "9 files, 3.4 MiB" of a snapshot. @param {Version} version */
function filesText({ tree }) {
  return tree ? `${counted(tree.files, 'file')}, ${bytes(tree.bytes)}` : '–'
}

/**
 * Versions published under a file's name. @param {{ group: string, file: Version & { name: string } }} props
 */
export function Versions({ group, file }) {
  const { client } = useShell()
  const { data } = useResource(
    (signal) => {
      const query = new URLSearchParams({ name: file.name })
      return client.ask('GET', groupPath(group, `/versions?${query}`), { group, signal })
    },
    [client, group, file.name, file.version],
    { when: (event) => isTagOf(event, file.name) },
  )
  /** @type {Version[]} */
  const versions = data?.versions ?? [file]
  const rest = (versions.at(-1)?.version ?? 1) - 1
  const hasTrees = versions.some(({ tree }) => tree)
  const columns = [...NUMBER_AND_TAGS, ...(hasTrees ? TREE : []), ...REST]
  return html`<${Section} title="Versions" id="versions">
    <${Table} label="Versions" columns=${columns} rows=${versions} keyOf=${(/** @type {Version} */ { version }) => `${version}`} />
    ${data && rest > 0 && html`<${Empty}>${rest === 1 ? 'Version 1 is' : `Versions 1 to ${rest} are`} ${(data.next ?? null) === null ? 'no longer kept' : 'not shown'}.<//>`}
  <//>`
}

/**
 * @param {import('../client.js').GroupEvent} event
 * @param {string} name
 */
const isTagOf = (event, name) =>
  (event.type === 'file.tagged' || event.type === 'file.untagged') && event.name === name
