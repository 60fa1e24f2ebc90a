import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'

const FIXED = /^ {2}([\w-]+):\n(?: {4}.*\n)*? {4}networks: .*ipv4_address: "([\d.]+)"/gm

/** Matches a service's address line in a Compose file, which podman-compose 1.0 does not understand. */
export const ADDRESS_LINE = /^ {4}networks: .*ipv4_address: .*\n/gm

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

/**
 * Writes to `path` a podman wrapper that gives containers the fixed addresses of a Compose file, which
 * podman-compose 1.0 cannot. `nameOf` maps a service to its container's name.
 */
export function writeAddressingPodman(
  path: string,
  compose: string,
  nameOf: (service: string) => string,
): void {
  const cases = [...compose.matchAll(FIXED)].map(
    ([, service = '', address]) => `    --name=${nameOf(service)}) ip=${address} ;;`,
  )
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
