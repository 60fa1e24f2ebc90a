// @ts-check
import { placeOf } from './place.js'

/**
 * `GET /origin/GROUP/NAME` redirects to the file on the web server: a link for people without Shoal.
 *
 * @param {import('@shoal/plugin').TrackerSeam} seam
 */
export default function tracker({ app, setting }) {
  const base = setting('url')
  if (!base) return
  app.get('/origin/:group/*', async (request, reply) => {
    const { group, '*': name } = /** @type {{ group: string, '*': string }} */ (request.params)
    return reply.redirect(placeOf(base, group, name).href)
  })
}
