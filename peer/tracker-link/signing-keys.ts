import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writePrivateFileSync } from '../../packed/private-file.ts'
import type { KeySet } from '../../tracker-client/api/schemas.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'
import type { KeySource } from '../serve/grant-verifier.ts'

/** The fleet's public keys, kept in the home so that a peer can verify grants without a tracker. */
export class SigningKeys implements KeySource {
  readonly #client: TrackerClient
  readonly #file: string
  #keys: KeySet = { keys: [] }

  constructor(client: TrackerClient, home: string) {
    this.#client = client
    this.#file = join(home, 'tracker-keys.json')
    try {
      this.#keys = JSON.parse(readFileSync(this.#file, 'utf8')) as KeySet
    } catch {
      // First start, or a file torn by a crash: `ensure` asks the tracker.
    }
  }

  current(): KeySet {
    return this.#keys
  }

  /** Asks the tracker if no key is known yet. */
  async ensure(): Promise<void> {
    if (this.#keys.keys.length === 0) await this.refresh()
  }

  async refresh(): Promise<KeySet> {
    this.#keys = await this.#client.keys()
    writePrivateFileSync(this.#file, JSON.stringify(this.#keys))
    return this.#keys
  }
}
