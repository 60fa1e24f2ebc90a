import { ShoalError } from '../protocol/errors.ts'

/** Parses `host:port` or `http(s)://host:port` into an origin without a trailing slash. Throws BAD_CONFIG. */
export function trackerUrl(text: string): string {
  const trimmed = text.trim()
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`
  const url = URL.canParse(full) ? new URL(full) : null
  if (url === null || !isOrigin(url))
    throw new ShoalError('BAD_CONFIG', `${JSON.stringify(text)} is not a tracker address`, {
      hint: 'use host:port or https://host:port',
    })
  return url.origin
}

function isOrigin(url: URL): boolean {
  const plain = url.username === '' && url.password === '' && url.pathname === '/'
  return (
    plain && url.search === '' && url.hash === '' && /^https?:$/.test(url.protocol) && url.hostname !== ''
  )
}
