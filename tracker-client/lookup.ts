import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'

/** How long to wait for a known name before using its last address. */
const PATIENCE_MS = 500

type AllAddresses = (
  host: string,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/**
 * Resolves names as the system does and remembers their addresses, which serve as the answer while name servers are
 * silent or fail (serve-stale, RFC 8767). A name that they report as missing is gone. Only one query per name runs at a
 * time: the system runs two queries in parallel at most, and each may take as long as a name server is silent.
 */
export class RememberedNames {
  readonly #ask: AllAddresses
  readonly #known = new Map<string, LookupAddress[]>()
  readonly #underway = new Map<string, Promise<LookupAddress[]>>()

  constructor(ask: AllAddresses = (host, done) => systemLookup(host, { all: true }, done)) {
    this.#ask = ask
  }

  /** The `lookup` option of net.connect and everything built on it. */
  readonly lookup: LookupFunction = (host, { all, family }, callback) => {
    const wanted = Number(String(family ?? 0).replace('IPv', ''))
    this.#find(host).then(
      (found) => {
        const addresses = found.filter((address) => wanted === 0 || address.family === wanted)
        const [first] = addresses
        if (!first) callback(Object.assign(new Error(`no such host: ${host}`), { code: 'ENOTFOUND' }), [])
        else if (all) callback(null, addresses)
        else callback(null, first.address, first.family)
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    )
  }

  #find(host: string): Promise<LookupAddress[]> {
    const asked = this.#question(host)
    const known = this.#known.get(host)
    if (!known) return asked
    const { promise, resolve, reject } = Promise.withResolvers<LookupAddress[]>()
    const timer = setTimeout(() => resolve(known), PATIENCE_MS)
    asked
      .then(resolve, (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOTFOUND') reject(error)
        else resolve(known)
      })
      .finally(() => clearTimeout(timer))
    return promise
  }

  #question(host: string): Promise<LookupAddress[]> {
    let asked = this.#underway.get(host)
    if (!asked) {
      asked = new Promise<LookupAddress[]>((resolve, reject) => {
        this.#ask(host, (error, addresses) => (error ? reject(error) : resolve(addresses)))
      }).finally(() => this.#underway.delete(host))
      this.#underway.set(host, asked)
      asked.then(
        (addresses) => this.#known.set(host, addresses),
        (error: NodeJS.ErrnoException) => error.code === 'ENOTFOUND' && this.#known.delete(host),
      )
    }
    return asked
  }
}

/** Shared by the whole process. */
export const { lookup } = new RememberedNames()
