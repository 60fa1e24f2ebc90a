/** An IPv4 address that arrived through an IPv6 socket ("::ffff:10.0.0.1") as itself. */
export function plainAddress(address: string): string {
  if (!address.startsWith(':')) return address
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}
