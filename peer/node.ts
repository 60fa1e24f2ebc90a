import type {
  DownloadRequest,
  DownloadResult,
  Peer,
  PeerStatus,
  ProgressListener,
  TreeRequest,
  TreeResult,
  UploadRequest,
  UploadResult,
  VerifyRequest,
  VerifyResult,
} from './control/api.ts'
import type { Downloads } from './download/downloads.ts'
import type { Catalog } from './serve/catalog.ts'
import type { UploadContext } from './upload/context.ts'
import { upload } from './upload/upload.ts'
import { verify } from './verify.ts'

export interface NodeParts {
  peer: string
  url: string
  catalog: Catalog
  downloads: Downloads
  uploads: UploadContext
  /** Uses the session that the home has now. */
  refreshSession(): void
  setMaxUp(rate: number): void
  /** Bytes a second now. */
  rates(): { down: number; up: number }
  warmUp(): void
  stop(): Promise<void>
  /** Called when a stop that nobody awaits fails. */
  onStopFailed(error: unknown): void
}

/** A running peer, which commands use in this process or through the control socket. */
export class PeerNode implements Peer {
  readonly peer: string
  /** http(s)://host:port, where other peers fetch. */
  readonly url: string
  /** Resolves when the peer has stopped, for any reason. */
  readonly stopped: Promise<void>
  readonly #parts: NodeParts
  readonly #ended = Promise.withResolvers<void>()
  #stopping: Promise<void> | null = null

  constructor(parts: NodeParts) {
    this.#parts = parts
    this.peer = parts.peer
    this.url = parts.url
    this.stopped = this.#ended.promise
  }

  upload(request: UploadRequest, progress: ProgressListener, signal: AbortSignal): Promise<UploadResult> {
    this.#parts.refreshSession()
    return upload(this.#parts.uploads, request, progress, signal)
  }

  download(
    request: DownloadRequest,
    progress: ProgressListener,
    signal: AbortSignal,
  ): Promise<DownloadResult> {
    this.#parts.refreshSession()
    if (request.maxUp > 0) this.setMaxUp(request.maxUp)
    return this.#parts.downloads.request(request, progress, signal)
  }

  verify(request: VerifyRequest, progress: ProgressListener, signal: AbortSignal): Promise<VerifyResult> {
    const { uploads } = this.#parts
    return verify(uploads, request, progress, signal)
  }

  tree(request: TreeRequest, progress: ProgressListener, signal: AbortSignal): Promise<TreeResult> {
    this.#parts.refreshSession()
    return this.#parts.downloads.tree(request, progress, signal)
  }

  /** Limits the total upload rate, in bytes a second. */
  setMaxUp(rate: number): void {
    this.#parts.setMaxUp(rate)
  }

  /** Prepares a long-running peer for its first download. */
  warmUp(): void {
    this.#parts.warmUp()
  }

  async status(): Promise<PeerStatus> {
    const { catalog, downloads, rates, uploads } = this.#parts
    const seeding = catalog.all().map(({ group, name, fileId, size, path, isTree, fault }) => ({
      group,
      name,
      fileId,
      size,
      path,
      ...(isTree ? { entries: uploads.trees.store.entries(fileId, size) } : {}),
      ...(fault === null ? {} : { fault }),
    }))
    return {
      peer: this.peer,
      url: this.url,
      pid: process.pid,
      rates: rates(),
      seeding,
      downloads: downloads.list(),
    }
  }

  /** Stops cleanly: parks the downloads, leaves the swarms, and closes everything. */
  stop(): Promise<void> {
    this.#stopping ??= this.#parts.stop().finally(() => this.#ended.resolve())
    return this.#stopping
  }

  shutdown(): void {
    this.stop().catch(this.#parts.onStopFailed)
  }
}
