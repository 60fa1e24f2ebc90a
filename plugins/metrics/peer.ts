import { createServer } from 'node:http'
import type { PeerSeam } from '@shoal/plugin'
import { ShoalError } from '@shoal/plugin'

/** `GET /metrics` of a peer, at the HOST:PORT in the setting "listen" (SHOAL_METRICS_LISTEN). */
export default async function metrics(seam: PeerSeam): Promise<void> {
  const listen = seam.setting('listen')
  if (!listen) return
  // Import late: most peers serve no metrics and should not wait for this to load.
  const { registryOf } = await import('./peer-registry.ts')
  const registry = registryOf(seam)
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') return void response.writeHead(404).end()
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      (error: Error) => {
        seam.log.error(error)
        response.writeHead(500).end()
      },
    )
  })
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(listen) ?? []
  if (host === undefined || Number(port) > 65535)
    throw new ShoalError('BAD_CONFIG', `the metrics address ${listen} is not HOST:PORT`)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(Number(port), host.replace(/^\[(.*)\]$/, '$1'), resolve)
  })
  seam.onStop(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(() => resolve()))
  })
}
