import { groupPath, Refused } from '../client.js'
import { useShell } from '../context.js'
import { bytes, counted, dateTime, sentence } from '../format.js'
import { html } from '../html.js'
import { Heading, Loading, Problem, Section } from '../parts.js'
import { useResource } from '../resource.js'
import { addressOf } from '../route.js'
import { Contents } from './contents.js'
import { SwarmPicture } from './swarm.js'
import { Versions } from './versions.js'

/** @typedef {import('./files.js').File} File */

/** One file or snapshot: its swarm and its versions. @param {{ group: string, name: string }} props */
export function FileView({ group, name }) {
  const { client } = useShell()
  /** @type {import('../resource.js').Loaded<File>} */
  const { data, error } = useResource(
    (signal) => loadFile(client, group, name, signal),
    [client, group, name],
    {
      when: (event) => nameOf(event) === name,
    },
  )
  return html`<${Heading} title=${name} back=${{ href: addressOf(group), text: group }}>
      ${
        data &&
        html`<p class="lead">
          ${sizeText(data)} · version ${data.version} · published by ${data.uploader} on ${dateTime(data.added)}
        </p>`
      }
    <//>
    ${!data && (error ? html`<${Problem}>${sentence(error.message)}<//>` : html`<${Loading} />`)}
    ${data && html`<${SwarmPicture} key=${data.fileId} group=${group} fileId=${data.fileId} />`}
    ${data?.tree && html`<${Contents} key=${data.fileId} group=${group} name=${name} fileId=${data.fileId} />`}
    ${data && html`<${Versions} group=${group} file=${data} />`}
    ${
      data &&
      html`<${Section} title="Get it" id="get">
        <p><code class="block">shoal peer download ${quoted(`${group}:${name}`)}</code></p>
        ${data.tree && html`<${Browse} target=${`${group}:${name}`} version=${data.version} />`}
        <p class="hash">File id <code>${data.fileId}</code></p>
      <//>`
    }`
}

/** "3.4 MiB", or of a snapshot "Snapshot of 12 entries, 9 files of 3.4 MiB". @param {File} file */
function sizeText({ size, tree }) {
  if (!tree) return bytes(size)
  const files = `${counted(tree.files, 'file')} of ${bytes(tree.bytes)}`
  return `Snapshot of ${counted(tree.entries, 'entry', 'entries')}, ${files}`
}

/**
 * The commands that list a snapshot and compare it with the version before.
 * @param {{ target: string, version: number }} props
 */
function Browse({ target, version }) {
  const before = version > 1 ? quoted(`${target}@${version - 1}`) : null
  return html`<p>List it, or compare it with the version before, without fetching its files:</p>
    <p><code class="block">shoal group ls ${quoted(target)}</code></p>
    ${before && html`<p><code class="block">shoal group diff ${before} ${quoted(`${target}@${version}`)}</code></p>`}`
}

/**
 * @param {import('../client.js').Client} client
 * @param {string} group
 * @param {string} name
 * @param {AbortSignal} signal
 */
async function loadFile(client, group, name, signal) {
  const query = new URLSearchParams({ prefix: name, limit: '1' })
  const { files } = await client.ask('GET', groupPath(group, `/files?${query}`), { group, signal })
  if (files[0]?.name === name) return files[0]
  throw new Refused(404, 'FILE_NOT_FOUND', `${group} has no file ${name}; it may have been removed`)
}

/** @param {import('../client.js').GroupEvent} event */
function nameOf(event) {
  if (event.type === 'file.published') return event.file.name
  return event.type === 'file.removed' ? event.name : null
}

/** Quotes a word for a POSIX shell. @param {string} word */
const quoted = (word) => (/^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)
