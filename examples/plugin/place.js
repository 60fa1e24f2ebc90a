// @ts-check
import { ShoalError } from '@shoal/plugin'

/**
 * The file's URL on the web server.
 *
 * @param {string} base the setting "url"
 * @param {string} group
 * @param {string} name the file's name in the group
 */
export function placeOf(base, group, name) {
  const path = [group, ...name.split('/')].map(encodeURIComponent).join('/')
  if (!URL.canParse(base))
    throw new ShoalError('BAD_CONFIG', `the origin setting "url" is not a URL: ${base}`)
  return new URL(path, base.endsWith('/') ? base : `${base}/`)
}
