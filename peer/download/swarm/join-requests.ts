import { ShoalError } from '../../../protocol/errors.ts'
import { MAX_BATCH } from '../../../tracker-client/api/limits.ts'
import type { JoinedSwarm } from '../../../tracker-client/api/schemas.ts'
import type { TrackerClient } from '../../../tracker-client/client.ts'

interface Waiting {
  fileId: string
  resolve(swarm: JoinedSwarm): void
  reject(error: unknown): void
}

/**
 * Requests grants and peers from the tracker, for many files at once: the downloads of a folder start together and
 * share a round trip.
 */
export class JoinRequests {
  readonly #client: TrackerClient
  readonly #peer: string
  readonly #plain: boolean
  readonly #waiting = new Map<string, Waiting[]>()

  /** `plain`: whether this peer may connect without TLS, and so expose its grants to the network. */
  constructor(client: TrackerClient, peer: string, plain: boolean) {
    this.#client = client
    this.#peer = peer
    this.#plain = plain
  }

  /** Resolves with a fresh grant for the file, peers that serve it, and the chunk hashes if the file is short. */
  join(group: string, fileId: string): Promise<JoinedSwarm> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(group) ?? []
      if (waiting.length === 0) {
        this.#waiting.set(group, waiting)
        setImmediate(() => this.#send(group))
      }
      waiting.push({ fileId, resolve, reject })
      if (waiting.length === MAX_BATCH) this.#send(group)
    })
  }

  #send(group: string): void {
    const waiting = this.#waiting.get(group)
    if (!waiting) return
    this.#waiting.delete(group)
    const fileIds = [...new Set(waiting.map(({ fileId }) => fileId))]
    this.#ask(group, fileIds).then(
      (swarms) => {
        for (const { fileId, resolve, reject } of waiting) {
          const swarm = swarms.get(fileId)
          if (swarm instanceof Error) reject(swarm)
          else if (swarm) resolve(swarm)
          else reject(new ShoalError('TRACKER_BAD_ANSWER', 'the tracker left out a requested file'))
        }
      },
      (error: unknown) => {
        for (const { reject } of waiting) reject(error)
      },
    )
  }

  async #ask(group: string, fileIds: string[]): Promise<Map<string, JoinedSwarm | Error>> {
    try {
      const [peer, plain] = [this.#peer, this.#plain]
      const body = { peer, fileIds, hashes: true, ...(plain ? { plain } : {}) }
      const { swarms } = await this.#client.joinSwarms(group, body)
      // Never trust a tracker to choose connections without TLS.
      const usable = (peers: JoinedSwarm['peers']) => (plain ? peers : peers.filter(({ tls }) => tls))
      return new Map(swarms.map((swarm) => [swarm.fileId, { ...swarm, peers: usable(swarm.peers) }]))
    } catch (error) {
      if (!(error instanceof ShoalError && error.code === 'FILE_NOT_FOUND')) throw error
      // A file that was removed meanwhile must not fail the others.
      if (fileIds.length === 1) return new Map([[fileIds[0]!, error]])
      const parts = await Promise.all(fileIds.map((id) => this.#ask(group, [id])))
      return new Map(parts.flatMap((part) => [...part]))
    }
  }
}
