import { setTimeout as delay } from 'node:timers/promises'
import {
  CHUNK_SIZE,
  errorFromBody,
  type FileRecord,
  type Identity,
  makeIdentity,
  readTrailer,
  ShoalError,
  type SwarmPeer,
  type TrackerSeam,
  type TreeIndex,
} from '@shoal/plugin'
import { endOfStream } from './end-of-stream.ts'

/** How long a tree is asked for, and how often, while no peer gives it. */
const PATIENCE_MS = 2000
const RETRY_MS = 250

/** About 80,000 entries, which are decoded in some 50 ms. */
const MAX_TRAILER = 4 * 1024 * 1024
const MAX_AT_ONCE = 4
const MAX_CACHED = 32 * 1024 * 1024
const MAX_PEERS = 3

type Snapshot = FileRecord & { tree: NonNullable<FileRecord['tree']> }

/**
 * The trees of snapshots, for the page. The tracker has none of them, so this asks peers, as any other client of the API:
 * with the user's own session, a grant, a pinned certificate, and the hashes of the file id. It never asks for contents.
 */
export class Trees {
  readonly #seam: TrackerSeam
  #identity: Promise<Identity> | null = null
  /** By file id, the one used last at the end. */
  readonly #cached = new Map<string, TreeIndex>()
  readonly #fetching = new Map<string, Promise<TreeIndex>>()

  constructor(seam: TrackerSeam) {
    this.#seam = seam
  }

  /**
   * The snapshot that `target` (NAME[@VERSION]) means, and its tree. Throws what the API refuses the user with, USAGE for
   * what is no snapshot, TOO_LARGE for a long manifest, OVERLOADED, and NO_PEER.
   */
  async find(
    group: string,
    target: string,
    authorization: string,
  ): Promise<{ file: Snapshot; index: TreeIndex }> {
    const path = `resolve?${new URLSearchParams({ target })}`
    const { file } = JSON.parse((await this.#ask('GET', group, path, authorization)).toString()) as {
      file: FileRecord
    }
    if (!file.tree) throw new ShoalError('USAGE', `${group}:${file.name} is one file, not a snapshot`)
    const snapshot: Snapshot = { ...file, tree: file.tree }
    return { file: snapshot, index: await this.#tree(group, snapshot, authorization) }
  }

  async #tree(group: string, file: Snapshot, authorization: string): Promise<TreeIndex> {
    const { fileId } = file
    const cached = this.#cached.get(fileId)
    if (cached) {
      this.#keep(fileId, cached)
      return cached
    }
    const running = this.#fetching.get(fileId)
    if (running) return running
    if (file.tree.trailer > MAX_TRAILER)
      throw new ShoalError('TOO_LARGE', 'this snapshot has too many entries to be shown here')
    if (this.#fetching.size >= MAX_AT_ONCE)
      throw new ShoalError('OVERLOADED', 'this replica is fetching the entries of other snapshots', {
        hint: 'try again in a moment',
      })
    const fetching = this.#fetch(group, file, authorization)
    this.#fetching.set(fileId, fetching)
    try {
      const index = await fetching
      this.#keep(fileId, index)
      return index
    } finally {
      this.#fetching.delete(fileId)
    }
  }

  /** A snapshot is seen in the group a moment before its first peer has announced it. */
  async #fetch(group: string, snapshot: Snapshot, authorization: string): Promise<TreeIndex> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      const index = await this.#fetchOnce(group, snapshot, authorization)
      if (index !== null) return index
      if (performance.now() > deadline)
        throw new ShoalError('NO_PEER', 'no peer that serves this snapshot over TLS answers the tracker now')
      await delay(RETRY_MS, undefined, { signal: this.#seam.stopping })
    }
  }

  /** Null if no peer gives it now. */
  async #fetchOnce(
    group: string,
    { fileId, size, tree }: Snapshot,
    authorization: string,
  ): Promise<TreeIndex | null> {
    this.#identity ??= makeIdentity()
    const identity = await this.#identity
    const body = { peer: identity.peer, fileIds: [fileId] }
    const joined = JSON.parse((await this.#ask('POST', group, 'swarms', authorization, body)).toString()) as {
      swarms: { grant: string; peers: SwarmPeer[] }[]
    }
    const { grant, peers } = joined.swarms[0]!
    const first = Math.floor(Math.max(0, size - tree.trailer) / CHUNK_SIZE)
    const count = Math.ceil(size / CHUNK_SIZE) - first
    const query = `hashes/${fileId}?first=${first}&count=${count}`
    const hashes = await this.#ask('GET', group, query, authorization)
    const complete = peers.filter((peer) => peer.complete && peer.tls).slice(0, MAX_PEERS)
    for (const peer of complete) {
      const wanted = { fileId, size, first, hashes }
      const bytes = await endOfStream(peer, grant, wanted, identity, this.#seam.stopping).catch(
        (error: Error) => {
          this.#seam.log.info(`no entries of ${fileId} from ${peer.peer}: ${error.message}`)
          return null
        },
      )
      if (bytes !== null) return readTrailer(bytes, size)
    }
    return null
  }

  #keep(fileId: string, index: TreeIndex): void {
    this.#cached.delete(fileId)
    this.#cached.set(fileId, index)
    let bytes = 0
    for (const { byteLength } of this.#cached.values()) bytes += byteLength
    for (const [id, { byteLength }] of this.#cached) {
      if (bytes <= MAX_CACHED) break
      bytes -= byteLength
      this.#cached.delete(id)
    }
  }

  /** A request to the tracker's own API, in this process. Throws what it is refused with. */
  async #ask(
    method: 'GET' | 'POST',
    group: string,
    path: string,
    authorization: string,
    payload?: object,
  ): Promise<Buffer> {
    const url = `/v1/groups/${encodeURIComponent(group)}/${path}`
    const answer = await this.#seam.app.inject({
      method,
      url,
      headers: { authorization },
      ...(payload ? { payload } : {}),
    })
    if (answer.statusCode === 200) return answer.rawPayload
    throw (
      errorFromBody(answer.json()) ?? new ShoalError('INTERNAL', `the tracker answered ${answer.statusCode}`)
    )
  }
}
