import { useEffect } from 'preact/hooks'
import { html } from './html.js'

/** @typedef {import('preact').ComponentChildren} Children */

/**
 * A view's heading; also sets the page's title.
 * @param {{ title: string, children?: Children, back?: { href: string, text: string } }} props
 */
export function Heading({ title, children, back }) {
  useEffect(() => {
    document.title = `${title} – Shoal`
  }, [title])
  return html`<div class="heading">
    ${back && html`<a class="back" href=${back.href}><span aria-hidden="true">←</span> ${back.text}</a>`}
    <h1 tabindex="-1">${title}</h1>
    ${children}
  </div>`
}

/**
 * A part of a view with its own heading.
 * @param {{ title: string, id: string, children?: Children, aside?: Children, class?: string }} props
 */
export function Section({ title, id, children, aside, class: className = '' }) {
  return html`<section class=${`card ${className}`} aria-labelledby=${id}>
    <div class="card-head"><h2 id=${id} tabindex="-1">${title}</h2>${aside}</div>
    ${children}
  </section>`
}

/**
 * @template T
 * @typedef {object} Column
 * @property {string} label
 * @property {(row: T) => Children} cell
 * @property {'number' | 'wide' | 'actions'} [kind]
 */

/**
 * A table whose rows become blocks on a narrow page. Some browsers then forget the roles, so it repeats them.
 * The first column names the row.
 * @template T
 * @param {{ label: string, columns: Column<T>[], rows: readonly T[], keyOf: (row: T) => string, class?:
 * string }} props
 */
export function Table({ label, columns, rows, keyOf, class: className = '' }) {
  return html`<table role="table" aria-label=${label} class=${className}>
    <thead role="rowgroup">
      <tr role="row">
        ${columns.map(
          (column) =>
            html`<th role="columnheader" scope="col" class=${column.kind}>
              <span class=${column.kind === 'actions' ? 'unseen' : ''}>${column.label}</span>
            </th>`,
        )}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${rows.map(
        (row) =>
          html`<tr role="row" key=${keyOf(row)}>
            ${columns.map((column, i) => cell(column, row, i === 0))}
          </tr>`,
      )}
    </tbody>
  </table>`
}

/**
 * @template T
 * @param {Column<T>} column
 * @param {T} row
 * @param {boolean} isFirst
 */
function cell({ label, cell: content, kind }, row, isFirst) {
  if (isFirst) return html`<th role="rowheader" scope="row" class=${kind}>${content(row)}</th>`
  return html`<td role="cell" class=${kind} data-label=${label}>${content(row)}</td>`
}

/**
 * A few figures in a row.
 * @param {{ items: readonly (readonly [name: string, value: Children])[] }} props
 */
export function Figures({ items }) {
  return html`<dl class="figures">
    ${items.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`
}

/** Says that there is nothing, or nothing more. @param {{ children?: Children }} props */
export const Empty = ({ children }) => html`<p class="empty">${children}</p>`

export const Loading = () => html`<p class="empty" aria-busy="true">Loading…</p>`

/** @param {{ children?: Children }} props */
export const Problem = ({ children }) => html`<p class="problem" role="alert">${children}</p>`
