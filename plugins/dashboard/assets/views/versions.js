import { groupPath } from '../client.js'
import { useShell } from '../context.js'
import { bytes, dateTime, number, short } from '../format.js'
import { html } from '../html.js'
import { Empty, Section, Table } from '../parts.js'
import { useResource } from '../resource.js'

/** @typedef {{ version: number, fileId: string, size: number, uploader: string, added: string }} Version */

const COLUMNS = [
  { label: 'Version', cell: (/** @type {Version} */ { version }) => `Version ${number(version)}` },
  { label: 'Size', kind: 'number', cell: (/** @type {Version} */ { size }) => bytes(size) },
  { label: 'From', cell: (/** @type {Version} */ { uploader }) => uploader },
  { label: 'Published', cell: (/** @type {Version} */ { added }) => dateTime(added) },
  {
    label: 'File id',
    cell: (/** @type {Version} */ { fileId }) => html`<code title=${fileId}>${short(fileId)}</code>`,
  },
]

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
  )
  /** @type {Version[]} */
  const versions = data?.versions ?? [file]
  const rest = (versions.at(-1)?.version ?? 1) - 1
  return html`<${Section} title="Versions" id="versions">
    <${Table} label="Versions" columns=${COLUMNS} rows=${versions} keyOf=${(/** @type {Version} */ { version }) => `${version}`} />
    ${data && rest > 0 && html`<${Empty}>The group's history no longer includes ${rest === 1 ? 'version 1' : `versions 1 to ${rest}`}.<//>`}
  <//>`
}
