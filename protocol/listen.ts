import { isIPv4, isIPv6 } from 'node:net'
import { ShoalError } from './errors.ts'

/**
 * The URL of a service that listens on `host` and `port`, as seen from its own machine: loopback if it
 * listens on every address.
 */
export function serviceUrl(scheme: 'http' | 'https', host: string, port: number): string {
  if (host === '0.0.0.0' || host === '::') return `${scheme}://127.0.0.1:${port}`
  return `${scheme}://${isIPv6(host) ? `[${host}]` : host}:${port}`
}

/**
 * The URL of a service as seen from other machines. If it listens on every address, this is the first of
 * `addresses` (the machine's interfaces) that others can reach; if there is none, the local URL.
 */
export function announcedUrl(
  scheme: 'http' | 'https',
  host: string,
  port: number,
  addresses: readonly { address: string; internal: boolean }[],
): string {
  const others = addresses.filter(
    ({ address, internal }) => !internal && !/^(169\.254\.|fe80:)/i.test(address),
  )
  const first = (isKind: (address: string) => boolean): string | undefined =>
    others.find(({ address }) => isKind(address))?.address
  const all = host === '0.0.0.0' || host === '::'
  const found = all ? (first(isIPv4) ?? (host === '::' ? first(isIPv6) : undefined)) : undefined
  return serviceUrl(scheme, found ?? host, port)
}

/** Explains why `listen` failed: PORT_IN_USE, or BAD_CONFIG for an address that this machine cannot use. */
export function listenError(error: unknown, host: string, port: number): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE')
    return new ShoalError('PORT_IN_USE', `port ${port} of ${host} is in use`, {
      hint: 'does one run already? choose another port with --listen HOST:PORT (port 0 takes a free one)',
    })
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new ShoalError('BAD_CONFIG', `cannot listen on ${host}:${port}: ${code}`, {
      hint: 'name an address of this machine, and a port above 1023, with --listen HOST:PORT',
      cause: error,
    })
  return error
}
