// @ts-check
import { ShoalError } from '@shoal/plugin'

/**
 * Where a file lies on the web server.
 *
 * @param {string} base the setting "url"
 * @param {string} group
 * @param {string} name name of the file in the group
 */
export function placeOf(base, group, name) {
  const path = [group, ...name.split('/')].map(encodeURIComponent).join('/')
  if (!URL.canParse(base))
    throw new ShoalError('BAD_CONFIG', `the setting "url" of origin is no URL: ${base}`)
  return new URL(path, base.endsWith('/') ? base : `${base}/`)
}
