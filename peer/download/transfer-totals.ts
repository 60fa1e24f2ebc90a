import type { DownloadedFile } from '../control/api.ts'
import { ProgressMeter } from '../control/progress-meter.ts'
import type { DownloadJob } from './queue/download-job.ts'

/** Files that are named as where reused bytes came from. */
const SOURCES_NAMED = 3

/** What one download has moved, and where it came from. */
export class TransferTotals {
  readonly meter: ProgressMeter
  readonly #job: DownloadJob
  readonly #started = performance.now()
  readonly #reusedFrom = new Set<string>()
  /** Bytes that came from other peers, or from sources. */
  bytesFetched = 0
  #bytesReused = 0

  /** `bytes` are wanted. */
  constructor(job: DownloadJob, bytes: number) {
    this.#job = job
    this.meter = new ProgressMeter(job.name, bytes)
  }

  /** Bytes were at `path` on this machine. */
  reusedFrom(path: string): void {
    if (this.#reusedFrom.size < SOURCES_NAMED) this.#reusedFrom.add(path)
  }

  /** The whole file was at `path` on this machine. */
  reusedAll(path: string): void {
    this.reusedFrom(path)
    this.meter.add(this.#job.size, performance.now())
    this.endReuse()
  }

  /** All that is here by now was on this machine. */
  endReuse(): void {
    this.#bytesReused = this.meter.done
  }

  result(path: string, peers: DownloadedFile['peers']): DownloadedFile {
    const { name, fileId, size } = this.#job
    return {
      name,
      fileId,
      size,
      path,
      seconds: (performance.now() - this.#started) / 1000,
      bytesFetched: this.bytesFetched,
      bytesReused: this.#bytesReused,
      reusedFrom: [...this.#reusedFrom],
      peers,
    }
  }
}
