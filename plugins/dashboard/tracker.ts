import type { TrackerSeam } from '@shoal/plugin'
import { loadPage, type Page } from './page.ts'

/** `GET /dashboard/` and what the page is made of. It asks the tracker's own API for all that it shows. */
export default function dashboard({ app }: TrackerSeam): void {
  const hide = { schema: { hide: true } }
  // Read when somebody looks for the first time: most replicas are never looked at.
  let page: Page | null = null

  // Relative, so that it holds behind a proxy that has the tracker below a path.
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
