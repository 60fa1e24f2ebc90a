import type { DownloadedFile } from './control/api.ts'
import type { ChunkSource } from './download/chunk-sources.ts'

/** A peer's figures since its start. */
export interface PeerFigures {
  /** Bytes of chunks received from each peer, and sent to it, by peer id. */
  received: ReadonlyMap<string, number>
  sent: ReadonlyMap<string, number>
  /** Chunks that did not match their hash. */
  verificationFailures: number
  /** Files served, whole or in part. */
  serving: number
  downloads: number
}

export interface PeerLog {
  warn(message: string): void
  error(error: Error): void
}

/** Where a plugin takes part in a peer. The peer calls the plugin once, before it serves, and logs what it throws. */
export interface PeerSeam {
  readonly peer: string
  readonly home: string
  readonly log: PeerLog
  /** SHOAL_<PLUGIN>_<NAME>, else plugins.<plugin>.<name> in config.json. */
  setting(name: string): string | undefined
  figures(): PeerFigures
  /** Waiting and running jobs of the download and extent queues. */
  queueDepth(): Promise<{ downloads: number; chunks: number }>
  /** Calls back when a download is complete, named and served. The peer logs what the listener throws. */
  onDownloaded(listener: (file: DownloadedFile & { group: string }) => void | Promise<void>): void
  addSource(source: ChunkSource): void
  /** Runs when the peer stops, which waits for it. */
  onStop(close: () => void | Promise<void>): void
}

export type PeerPlugin = (seam: PeerSeam) => void | Promise<void>

export interface PeerExtension {
  name: string
  setting(name: string): string | undefined
  setup: PeerPlugin
}
