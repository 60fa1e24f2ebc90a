// The address of a view: the part after # in the page's URL. Pure.

/**
 * @typedef {{ view: 'groups' } | { view: 'trackers' } | { view: 'group', group: string }
 *   | { view: 'file', group: string, name: string }} Route
 */

/**
 * @param {string} hash like location.hash; any unknown address means the list of groups
 * @returns {Route}
 */
export function parseRoute(hash) {
  const [place, group, kind, name] = hash
    .replace(/^#?\/?/, '')
    .split('/')
    .map(decoded)
  if (place === 'trackers') return { view: 'trackers' }
  if (place !== 'groups' || !group) return { view: 'groups' }
  return kind === 'files' && name ? { view: 'file', group, name } : { view: 'group', group }
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part)
  } catch {
    return ''
  }
}

/**
 * @param {string} group
 * @param {string} [name] a file in the group
 */
export function addressOf(group, name) {
  const base = `#/groups/${encodeURIComponent(group)}`
  return name === undefined ? base : `${base}/files/${encodeURIComponent(name)}`
}
