/** A request as Shoal's client (node:http) writes it. `length` is the body's length on the wire, in bytes. */
export function clientRequest(
  url: string,
  method: 'GET' | 'POST',
  path: string,
  own: Record<string, string>,
  body?: { text: string; length: number },
): string {
  const headers = {
    ...own,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    Host: new URL(url).host,
    Connection: 'keep-alive',
    ...(method === 'GET' ? {} : { 'Content-Length': String(body?.length ?? 0) }),
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body?.text ?? ''}`
}
