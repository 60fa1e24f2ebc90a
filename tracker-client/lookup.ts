import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'

/** A name that was found before is waited for this long, then taken to be where it was. */
const PATIENCE_MS = 500

type AllAddresses = (
  host: string,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/**
 * Looks names up as the system does, and remembers where they were: when name servers are silent or fail, that is
 * the answer (serve-stale, RFC 8767). A name that they say does not exist is believed to be gone. One question a
 * name is under way at a time: the system asks two at once, and each may take as long as a name server is silent.
 */
export class RememberedNames {
  readonly #ask: AllAddresses
  readonly #known = new Map<string, LookupAddress[]>()
  readonly #underway = new Map<string, Promise<LookupAddress[]>>()

  constructor(ask: AllAddresses = (host, done) => systemLookup(host, { all: true }, done)) {
    this.#ask = ask
  }

  /** For `lookup` of net.connect and all that is built on it. */
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

/** Of this process. */
export const { lookup } = new RememberedNames()
