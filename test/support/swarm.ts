import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DownloadedFile, DownloadRequest, ProgressListener } from '../../peer/control/api.ts'
import type { PeerNode } from '../../peer/node.ts'
import type { PeerExtension } from '../../peer/seam.ts'
import { startPeer } from '../../peer/start.ts'
import type { KeyPair } from '../../protocol/hello.ts'
import { TestRedis } from '../../testkit/redis-server.ts'
import { ReplicaProcess } from '../../testkit/replica-process.ts'
import { announceAs } from '../../testkit/test-peer.ts'
import { TrackerClient } from '../../tracker-client/client.ts'
import { PASSWORD } from './tracker-fleet.ts'

export const GROUP = 'swarm'

/**
 * A real tracker in its own process, and real peers in this one: homes of one user, in one group. With dozens
 * of busy peers, a tracker in this process would not answer in time.
 */
export class TestSwarm {
  readonly folder = mkdtempSync(join(tmpdir(), 'shoal-swarm-'))
  readonly peers: PeerNode[] = []
  /** The peers' log messages. */
  readonly warnings: string[] = []
  readonly #redis: TestRedis
  readonly #tracker: ReplicaProcess
  /** Of the user of all peers. */
  readonly client: TrackerClient

  private constructor(redis: TestRedis, tracker: ReplicaProcess, client: TrackerClient) {
    this.#redis = redis
    this.#tracker = tracker
    this.client = client
  }

  static async start(): Promise<TestSwarm> {
    const redis = await TestRedis.start()
    const tracker = await ReplicaProcess.start(redis.url)
    const client = new TrackerClient({ trackers: [tracker.url] })
    await client.register('ada', PASSWORD)
    await client.login('ada', PASSWORD)
    await client.createGroup(GROUP)
    return new TestSwarm(redis, tracker, client)
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts)
  }

  /** Starts a peer that is warmed up, like a long-running one. */
  async addPeer(extensions: readonly PeerExtension[] = []): Promise<PeerNode> {
    const peer = await startPeer({
      home: this.path(`home-${this.peers.length}`),
      listen: { host: '127.0.0.1', port: 0 },
      tls: true,
      client: new TrackerClient({ trackers: [this.#tracker.url] }),
      session: () => this.client.token,
      extensions,
      log: { warn: (message) => void this.warnings.push(message), error: (error) => console.error(error) },
    })
    peer.warmUp()
    this.peers.push(peer)
    return peer
  }

  async share(peer: PeerNode, name: string, path: string): Promise<string> {
    const request = { group: GROUP, files: [{ path, name }] }
    const { files } = await peer.upload(request, () => {}, new AbortController().signal)
    return files[0]!.fileId
  }

  /** Announces to the tracker that a foreign peer with these keys, listening at `port`, holds the whole file. */
  async announce(keys: KeyPair, port: number, fileId: string): Promise<void> {
    const files = [{ group: GROUP, fileId, complete: true }]
    await announceAs(this.client, keys, { port, tls: true, sequence: Date.now(), files })
  }

  async download(
    peer: PeerNode,
    name: string,
    output: string,
    options: Partial<DownloadRequest> = {},
    progress: ProgressListener = () => {},
  ): Promise<DownloadedFile> {
    const request = { group: GROUP, name, output, maxDown: 0, maxUp: 0, sequential: false, waitMs: 10_000 }
    const signal = new AbortController().signal
    const { files } = await peer.download({ ...request, ...options }, progress, signal)
    return files[0]!
  }

  async close(): Promise<void> {
    await Promise.all(this.peers.map((peer) => peer.stop()))
    await this.#tracker.stop()
    await this.#redis.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
