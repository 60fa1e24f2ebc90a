import type { TrackerSeam } from '@shoal/plugin'
import { listing } from './listing.ts'
import { loadPage, type Page } from './page.ts'
import { Trees } from './trees.ts'

interface TreeRequest {
  Params: { group: string }
  Querystring: { target?: string; path?: string; skip?: string }
}

/**
 * `GET /dashboard/` and the page's files. The page gets its data from the tracker's own API, and trees of snapshots,
 * which the tracker does not have, from `GET /dashboard/trees/GROUP?target=NAME[@VERSION]&path=PATH&skip=N`.
 */
export default function dashboard(seam: TrackerSeam): void {
  const { app } = seam
  const hide = { schema: { hide: true } }
  const trees = new Trees(seam)
  // Load at the first visit, because nobody ever looks at most replicas.
  let page: Page | null = null

  // A relative address works behind a proxy that puts the tracker below a path.
  app.get('/dashboard', hide, (_, reply) => {
    reply.code(308).header('location', 'dashboard/').send()
  })

  app.get('/dashboard/*', hide, (request, reply) => {
    page ??= loadPage()
    const file = page.files.get((request.params as { '*': string })['*'])
    if (!file) return reply.callNotFound()
    reply.headers({ ...page.headers, etag: file.etag, 'content-type': file.type })
    if (request.headers['if-none-match'] === file.etag) return reply.code(304).send()
    return reply.send(file.bytes)
  })

  const inSession = { ...hide, onRequest: seam.requireSession }
  app.get<TreeRequest>('/dashboard/trees/:group', inSession, async (request, reply) => {
    const { target = '', path = '', skip = '0' } = request.query
    const { file, index } = await trees.find(
      request.params.group,
      target,
      request.headers.authorization ?? '',
    )
    reply.header('cache-control', 'no-store')
    return {
      version: file.version,
      path,
      ...listing(index, path, Math.max(0, Number.parseInt(skip, 10) || 0)),
    }
  })
}
