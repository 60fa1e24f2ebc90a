import { setTimeout as delay } from 'node:timers/promises'
import { fileId } from '../protocol/file-id.ts'
import { merkleRoot, sha256 } from '../protocol/merkle.ts'
import type { Publish } from '../tracker-client/api/schemas.ts'
import type { TrackerClient } from '../tracker-client/client.ts'

/** A file of one byte, derived from `salt`. */
export function tinyFile(name: string, salt = name): Publish['files'][number] {
  const hashes = sha256(Buffer.from(salt))
  return { name, size: 1, fileId: fileId(1, merkleRoot(hashes)), hashes: hashes.toString('base64') }
}

/** Publishes files with new names at a steady rate until stopped, and records the results. */
export class WriteLoad {
  /** Names of the files that a tracker acknowledged. */
  readonly acknowledged: string[] = []
  readonly errors: unknown[] = []
  slowestMs = 0
  static readonly #running = new Set<WriteLoad>()
  readonly #group: string
  readonly #stop = new AbortController()
  readonly #workers: Promise<void>[]

  /** Each client makes one write at a time. */
  constructor(clients: readonly TrackerClient[], group: string, perSecond: number) {
    this.#group = group
    const everyMs = (1000 * clients.length) / perSecond
    this.#workers = clients.map((client, i) => this.#write(client, `load/${i}`, everyMs))
    WriteLoad.#running.add(this)
  }

  /** Stops loads that a failed test left running. */
  static async stopAll(): Promise<void> {
    for (const load of WriteLoad.#running) await load.stop()
  }

  /** Resolves once all writes are answered. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#workers)
    WriteLoad.#running.delete(this)
  }

  async #write(client: TrackerClient, folder: string, everyMs: number): Promise<void> {
    let due = performance.now() + everyMs * Math.random()
    for (let i = 0; !this.#stop.signal.aborted; i++) {
      await delay(Math.max(0, due - performance.now()), undefined, { signal: this.#stop.signal }).catch(
        () => {},
      )
      // Do not catch up after an outage: a burst would be a different test.
      due = Math.max(due + everyMs, performance.now())
      await this.#publish(client, `${folder}/${i}`)
    }
  }

  async #publish(client: TrackerClient, name: string): Promise<void> {
    const start = performance.now()
    try {
      await client.publish(this.#group, [tinyFile(name)])
      this.acknowledged.push(name)
    } catch (error) {
      this.errors.push(error)
    }
    this.slowestMs = Math.max(this.slowestMs, performance.now() - start)
  }
}

/** The names of all files in a group. */
export async function allNames(client: TrackerClient, group: string): Promise<Set<string>> {
  const names = new Set<string>()
  let after: string | null = ''
  while (after !== null) {
    const page: Awaited<ReturnType<TrackerClient['files']>> = await client.files(group, { after })
    for (const { name } of page.files) names.add(name)
    after = page.next
  }
  return names
}

/** The acknowledged writes that `client` cannot see. */
export async function lostWrites(client: TrackerClient, group: string, load: WriteLoad): Promise<string[]> {
  const names = await allNames(client, group)
  return load.acknowledged.filter((name) => !names.has(name))
}
