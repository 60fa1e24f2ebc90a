import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { parse } from 'yaml'

/** Matches a service's address line in a Compose file, which podman-compose 1.0 does not understand. */
export const ADDRESS_LINE = /^ {4}networks: .*ipv4_address: .*\n/gm
/** Last number of the address of the first service that has none in its Compose file. */
const FIRST_FREE = 64

/** The first three numbers of a /24 network that this machine is not in. */
export function freeNetwork(): string {
  const taken = Object.values(networkInterfaces()).flatMap(
    (list) => list?.map(({ address }) => address) ?? [],
  )
  for (;;) {
    const net = `10.${randomInt(128, 256)}.${randomInt(256)}`
    if (!taken.some((address) => address.startsWith(`${net}.`))) return net
  }
}

/** Addresses of a Compose file's services: those that it gives, and for the others free ones of the network `net`. */
export function serviceAddresses(compose: string, net: string): Map<string, string> {
  const { services } = parse(compose, { merge: true }) as { services: Record<string, Service> }
  return new Map(
    Object.entries(services).map(([name, { networks }], i) => [
      name,
      networks?.default?.ipv4_address ?? `${net}.${FIRST_FREE + i}`,
    ]),
  )
}

interface Service {
  networks?: { default?: { ipv4_address?: string } }
}

/** Writes to `path` a podman wrapper that gives containers, by name, fixed addresses. podman-compose 1.0 cannot. */
export function writeAddressingPodman(
  path: string,
  addresses: Iterable<[container: string, address: string]>,
): void {
  const cases = [...addresses].map(([name, address]) => `    --name=${name}) ip=${address} ;;`)
  const script = `#!/bin/sh
ip=
for word; do
  case $word in
${cases.join('\n')}
    *) ;;
  esac
done
[ -z "$ip" ] || { command=$1; shift; set -- "$command" --ip "$ip" "$@"; }
exec podman "$@"
`
  writeFileSync(path, script, { mode: 0o755 })
}
