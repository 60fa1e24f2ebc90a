import type { TrackerSeam } from '@shoal/plugin'
import { loadPage, type Page } from './page.ts'

/** `GET /dashboard/` and the page's files. The page gets all its data from the tracker's own API. */
export default function dashboard({ app }: TrackerSeam): void {
  const hide = { schema: { hide: true } }
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
}
