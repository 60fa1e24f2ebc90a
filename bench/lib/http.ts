/** What the `fetch` of Node sends along with everything that a client of Shoal asks for. */
const FETCH_HEADERS = {
  connection: 'keep-alive',
  accept: '*/*',
  'accept-language': '*',
  'sec-fetch-mode': 'cors',
  'user-agent': 'node',
  'accept-encoding': 'gzip, deflate',
}

/** A request as a client of Shoal puts it on the wire. `length` is that of the body as it is sent. */
export function clientRequest(
  url: string,
  method: 'GET' | 'POST',
  path: string,
  own: Record<string, string>,
  body?: { text: string; length: number },
): string {
  const headers = {
    host: new URL(url).host,
    ...own,
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(body.length) }),
    ...FETCH_HEADERS,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body?.text ?? ''}`
}
