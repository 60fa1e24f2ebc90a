import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DownloadedFile, DownloadRequest } from '../../peer/control/api.ts'
import type { PeerNode } from '../../peer/node.ts'
import { startPeer } from '../../peer/start.ts'
import type { TrackerClient } from '../../tracker/client/client.ts'
import { TestFleet } from './tracker-fleet.ts'

export const GROUP = 'swarm'

/** A real tracker and real peers in this process, all of one user's homes, in a group of their own. */
export class TestSwarm {
  readonly folder = mkdtempSync(join(tmpdir(), 'shoal-swarm-'))
  readonly peers: PeerNode[] = []
  readonly #fleet: TestFleet
  readonly #client: TrackerClient

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
      log: { warn: () => {}, error: (error) => console.error(error) },
    })
    this.peers.push(peer)
    return peer
  }

  async share(peer: PeerNode, name: string, path: string): Promise<void> {
    await peer.upload({ group: GROUP, files: [{ path, name }] }, () => {}, new AbortController().signal)
  }

  async download(
    peer: PeerNode,
    name: string,
    output: string,
    options: Partial<DownloadRequest> = {},
  ): Promise<DownloadedFile> {
    const request = { group: GROUP, name, output, maxDown: 0, maxUp: 0, sequential: false, waitMs: 10_000 }
    const signal = new AbortController().signal
    const { files } = await peer.download({ ...request, ...options }, () => {}, signal)
    return files[0]!
  }

  async close(): Promise<void> {
    await Promise.all(this.peers.map((peer) => peer.stop()))
    await this.#fleet.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
