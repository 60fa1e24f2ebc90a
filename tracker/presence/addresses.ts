/** Turns an IPv4-mapped IPv6 address ("::ffff:10.0.0.1") into the IPv4 address. */
export function plainAddress(address: string): string {
  if (!address.startsWith(':')) return address
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}
