// @ts-check
import { placeOf } from './place.js'

/**
 * Fetches chunks from the web server with range requests. Shoal checks each against its hash.
 *
 * @param {import('@shoal/plugin').PeerSeam} seam
 */
export default function peer(seam) {
  const base = seam.setting('url')
  if (!base) return
  placeOf(base, 'group', 'name')
  seam.addSource({
    name: base,
    async chunk({ group, name, offset, length }, signal) {
      const response = await fetch(placeOf(base, group, name), {
        headers: { range: `bytes=${offset}-${offset + length - 1}` },
        signal,
      })
      const bytes = new Uint8Array(await response.arrayBuffer())
      return response.status === 206 ? bytes : null
    },
  })
}
