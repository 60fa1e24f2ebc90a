import type { DownloadedFile } from './control/api.ts'
import type { ChunkSource } from './download/chunk-sources.ts'

/** What a peer has done since it started. */
export interface PeerFigures {
  /** Bytes of chunks received from each peer, and sent to it, by peer id. */
  received: ReadonlyMap<string, number>
  sent: ReadonlyMap<string, number>
  /** Chunks that did not match their hash. */
  verificationFailures: number
  /** Files served, whole or in part. */
  serving: number
  /** Downloads under way. */
  downloads: number
}

export interface PeerLog {
  warn(message: string): void
  error(error: Error): void
}

/** Where a plugin takes part in a peer: it is called once, before the peer serves. What it throws is logged with its name. */
export interface PeerSeam {
  /** Id and home folder of this peer. */
  readonly peer: string
  readonly home: string
  readonly log: PeerLog
  /** SHOAL_<PLUGIN>_<NAME>, else plugins.<plugin>.<name> of config.json. */
  setting(name: string): string | undefined
  figures(): PeerFigures
  /** Jobs that wait or run on the queues of downloads and of extents. */
  queueDepth(): Promise<{ downloads: number; chunks: number }>
  /** Calls back when a download is complete: the file has its name, and is served. What it throws is logged. */
  onDownloaded(listener: (file: DownloadedFile & { group: string }) => void | Promise<void>): void
  addSource(source: ChunkSource): void
  /** Runs when the peer stops; waited for. */
  onStop(close: () => void | Promise<void>): void
}

export type PeerPlugin = (seam: PeerSeam) => void | Promise<void>

/** A plugin's part in a peer, as it is handed to startPeer. */
export interface PeerExtension {
  name: string
  setting(name: string): string | undefined
  setup: PeerPlugin
}
