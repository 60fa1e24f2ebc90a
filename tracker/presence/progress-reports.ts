import type { ProgressReport } from '../../protocol/records.ts'
import type { ProgressChannel } from '../../tracker-store/store.ts'
import { ProgressTable } from './progress-table.ts'

/** Seconds between a peer's reports, before jitter. Longer if very many peers report. */
const INTERVAL_S = 2
const MOST_S = 4
/** Up to this many peers report at the shortest interval. */
const AT_EASE = 1000
/** Seconds until a peer tries again after the table was full. */
const FULL_S = 30
const JITTER = 0.2

/** The transfers that one replica knows of: takes peers' reports and shares them with the fleet. */
export class ProgressReports {
  readonly table = new ProgressTable()
  readonly #channel: ProgressChannel

  constructor(channel: ProgressChannel) {
    this.#channel = channel
    channel.subscribe((report) => this.table.take(report, Date.now()))
  }

  /** Stores a report. Returns whether there was room for it. */
  take(report: ProgressReport): boolean {
    const taken = this.table.take(report, Date.now())
    if (taken) this.#channel.push(report)
    return taken
  }

  /** Seconds until the peer's next report; `taken` is whether there was room for the last one. */
  interval(taken: boolean): number {
    const crowded = Math.min(MOST_S, (INTERVAL_S * this.table.peerCount) / AT_EASE)
    const seconds = taken ? Math.max(INTERVAL_S, crowded) : FULL_S
    return Math.round(1000 * seconds * (1 - JITTER + 2 * JITTER * Math.random())) / 1000
  }
}
