import type { Closers } from './closers.ts'
import type { ChunkSource } from './download/chunk-sources.ts'
import type { Downloads } from './download/downloads.ts'
import type { PeerExtension, PeerLog } from './seam.ts'
import type { Library } from './serve/library.ts'
import type { TransferCounters } from './wire/transfer-counters.ts'

interface Parts {
  peer: string
  home: string
  log: PeerLog
  figures: TransferCounters
  library: Library
  downloads: Downloads
  sources: ChunkSource[]
  /** Run when the peer stops, in the reverse order. */
  closers: Closers
}

/** Lets plugins take part in a peer. Logs a plugin that fails, and leaves it out. */
export async function extend(parts: Parts, extensions: readonly PeerExtension[]): Promise<void> {
  const { peer, home, log, figures, library, downloads, sources, closers } = parts
  for (const { name, setup, setting } of extensions) {
    try {
      await setup({
        peer,
        home,
        log,
        setting,
        figures: () => ({
          received: figures.received,
          sent: figures.sent,
          verificationFailures: figures.verificationFailures,
          serving: [...library.values()].length,
          downloads: downloads.list().length,
        }),
        queueDepth: () => downloads.queueDepth(),
        onDownloaded: (listener) =>
          downloads.onDownloaded((file) => {
            const notify = async (): Promise<void> => listener(file)
            notify().catch((error: unknown) =>
              log.warn(`the plugin ${name} failed at a download: ${(error as Error).message}`),
            )
          }),
        addSource: (source) => void sources.push(source),
        onStop: (close) => closers.push(`the plugin ${name}`, close),
      })
    } catch (error) {
      log.warn(`the plugin ${name} is left out: it failed to start: ${(error as Error).message}`)
    }
  }
}
