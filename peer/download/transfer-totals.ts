import type { DownloadedFile } from '../control/api.ts'
import { ProgressMeter } from '../control/progress-meter.ts'
import type { DownloadJob } from './queue/download-job.ts'

/** Most files listed as sources of reused bytes. */
const MAX_SOURCES = 3

/** Counts what one download has moved, and where it came from. */
export class TransferTotals {
  readonly meter: ProgressMeter
  readonly #job: DownloadJob
  readonly #started = performance.now()
  readonly #reusedFrom = new Set<string>()
  /** Bytes from other peers and from sources of plugins. */
  bytesFetched = 0
  #bytesReused = 0

  /** `bytes` is the number of wanted bytes. */
  constructor(job: DownloadJob, bytes: number) {
    this.#job = job
    this.meter = new ProgressMeter(job.name, bytes)
  }

  /** Some bytes came from the file `path` of this machine. */
  reusedFrom(path: string): void {
    if (this.#reusedFrom.size < MAX_SOURCES) this.#reusedFrom.add(path)
  }

  /** The whole file was already at `path`. */
  reusedAll(path: string): void {
    this.reusedFrom(path)
    this.meter.add(this.#job.size, performance.now())
    this.endReuse()
  }

  /** Counts all bytes so far as reused. */
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
