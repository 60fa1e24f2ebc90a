import type { ProgressReport } from '../../protocol/records.ts'
import type { ProgressChannel } from '../../tracker-store/store.ts'
import { ProgressTable } from './progress-table.ts'

/** Seconds between a peer's reports, before jitter: longer where very many peers report. */
const INTERVAL_S = 2
const MOST_S = 4
/** So many peers report at the shortest interval. */
const AT_EASE = 1000
/** What those wait for whom there was no room. */
const FULL_S = 30
const JITTER = 0.2

/** What peers move now, as one replica knows it: takes their reports in and shares them with the fleet. */
export class Progress {
  readonly table = new ProgressTable()
  readonly #channel: ProgressChannel

  constructor(channel: ProgressChannel) {
    this.#channel = channel
    channel.subscribe((report) => this.table.take(report, Date.now()))
  }

  /** Takes a report in; whether there was room for it. */
  take(report: ProgressReport): boolean {
    const taken = this.table.take(report, Date.now())
    if (taken) this.#channel.push(report)
    return taken
  }

  /** Seconds until a peer's next report, after one that was taken or for which there was no room. */
  interval(taken: boolean): number {
    const crowded = Math.min(MOST_S, (INTERVAL_S * this.table.peerCount) / AT_EASE)
    const seconds = taken ? Math.max(INTERVAL_S, crowded) : FULL_S
    return Math.round(1000 * seconds * (1 - JITTER + 2 * JITTER * Math.random())) / 1000
  }
}
