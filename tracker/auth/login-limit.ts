import { LRUCache } from 'lru-cache'
import { ShoalError } from '../../protocol/errors.ts'

const MAX_FAILURES = 30
const WINDOW_MS = 5 * 60 * 1000

/** Slows down guessing: RATE_LIMITED after 30 wrong passwords for one user from one address within five minutes. */
export class LoginLimit {
  readonly #failures = new LRUCache<string, number>({ max: 50_000, ttl: WINDOW_MS, noUpdateTTL: true })

  check(user: string, address: string): void {
    if ((this.#failures.get(key(user, address)) ?? 0) < MAX_FAILURES) return
    throw new ShoalError('RATE_LIMITED', `too many wrong passwords for ${user} from ${address}`, {
      hint: 'wait five minutes',
    })
  }

  failed(user: string, address: string): void {
    this.#failures.set(key(user, address), (this.#failures.get(key(user, address)) ?? 0) + 1)
  }

  succeeded(user: string, address: string): void {
    this.#failures.delete(key(user, address))
  }
}

const key = (user: string, address: string): string => `${user} ${address}`
