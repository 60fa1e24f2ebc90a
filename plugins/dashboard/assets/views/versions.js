import { groupPath } from '../client.js'
import { useShell } from '../context.js'
import { bytes, dateTime, number, short } from '../format.js'
import { html } from '../html.js'
import { Empty, Section, Table } from '../parts.js'
import { useResource } from '../resource.js'

/** @typedef {{ version: number, fileId: string, size: number, uploader: string, added: string, tags?: string[] }} Version */

const COLUMNS = [
  { label: 'Version', cell: (/** @type {Version} */ { version }) => `Version ${number(version)}` },
  { label: 'Tags', cell: (/** @type {Version} */ { tags = [] }) => tags.join(', ') },
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
    ${data && rest > 0 && html`<${Empty}>${rest === 1 ? 'Version 1 is' : `Versions 1 to ${rest} are`} ${(data.next ?? null) === null ? 'no longer kept' : 'not shown'}.<//>`}
  <//>`
}
