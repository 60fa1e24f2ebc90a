import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DownloadedFile, DownloadRequest, ProgressListener } from '../../peer/control/api.ts'
import type { PeerNode } from '../../peer/node.ts'
import { startPeer } from '../../peer/start.ts'
import type { TrackerClient } from '../../tracker/client/client.ts'
import { TestFleet } from './tracker-fleet.ts'

export const GROUP = 'swarm'

/** A real tracker and real peers in this process, all of one user's homes, in a group of their own. */
export class TestSwarm {
  readonly folder = mkdtempSync(join(tmpdir(), 'shoal-swarm-'))
  readonly peers: PeerNode[] = []
  /** What the peers have logged. */
  readonly warnings: string[] = []
  readonly #fleet: TestFleet
  readonly #client: TrackerClient
  #announced = 0

  private constructor(fleet: TestFleet, client: TrackerClient) {
    this.#fleet = fleet
    this.#client = client
  }

  static async start(): Promise<TestSwarm> {
    const fleet = await TestFleet.start()
    const client = await fleet.user('ada')
    await client.createGroup(GROUP)
    return new TestSwarm(fleet, client)
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts)
  }

  async addPeer(): Promise<PeerNode> {
    const peer = await startPeer({
      home: this.path(`home-${this.peers.length}`),
      listen: { host: '127.0.0.1', port: 0 },
      tls: true,
      client: this.#fleet.anonymous(),
      session: () => this.#client.token,
      log: { warn: (message) => void this.warnings.push(message), error: (error) => console.error(error) },
    })
    this.peers.push(peer)
    return peer
  }

  /** Returns the file's id. */
  async share(peer: PeerNode, name: string, path: string): Promise<string> {
    const request = { group: GROUP, files: [{ path, name }] }
    const { files } = await peer.upload(request, () => {}, new AbortController().signal)
    return files[0]!.fileId
  }

  /** Tells the tracker that a stranger holds all of the file. */
  async announce({ peer, port }: { peer: string; port: number }, fileId: string): Promise<void> {
    const files = [{ group: GROUP, fileId, complete: true }]
    await this.#client.announce({ peer, port, tls: false, sequence: ++this.#announced, files })
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
    await this.#fleet.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
