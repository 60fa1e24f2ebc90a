import type { FileProgress, ProgressReport } from '../../protocol/records.ts'
import { ExpiryBuckets } from './expiry-buckets.ts'

/** A peer that is silent this long is considered idle. */
export const FORGOTTEN_MS = 10_000
/** The maximum of peers, and of files in all their reports: some 30 MB. */
const MAX_PEERS = 4000
const MAX_FILES = 50_000

/** One peer's report on one file. */
export type Moving = FileProgress & { user: string }

const NOTHING: ReadonlyMap<string, Moving> = new Map()

/**
 * The peers' latest reports in memory, by group, file and peer. A report replaces the peer's previous one and expires if
 * no other follows. `now` is milliseconds since the epoch.
 */
export class ProgressTable {
  readonly #reports = new Map<string, ProgressReport>()
  readonly #groups = new Map<string, Map<string, Map<string, Moving>>>()
  readonly #expiry = new ExpiryBuckets()
  #files = 0

  /** Number of peers whose reports are known. */
  get peerCount(): number {
    return this.#reports.size
  }

  /** Stores a report. Returns false if there is no room for it. */
  take(report: ProgressReport, now: number): boolean {
    this.#expire(now)
    const before = this.#reports.get(report.peer)
    const files = this.#files - (before?.files.length ?? 0) + report.files.length
    if (report.files.length > 0 && (files > MAX_FILES || (!before && this.#reports.size >= MAX_PEERS)))
      return false
    this.#forget(report.peer)
    if (report.files.length === 0) return true
    this.#reports.set(report.peer, report)
    this.#expiry.seen(report.peer, now)
    this.#files += report.files.length
    for (const file of report.files) this.#moving(file).set(report.peer, { ...file, user: report.user })
    return true
  }

  /** Reports on one file, by peer id. */
  ofFile(group: string, fileId: string, now: number): ReadonlyMap<string, Moving> {
    this.#expire(now)
    return this.#groups.get(group)?.get(fileId) ?? NOTHING
  }

  /** Reports on all files of a group. */
  ofGroup(group: string, now: number): ReadonlyMap<string, ReadonlyMap<string, Moving>> {
    this.#expire(now)
    return this.#groups.get(group) ?? new Map()
  }

  /** Visits only expired entries, so that every call can afford it. */
  #expire(now: number): void {
    for (const peer of this.#expiry.takeBefore(now - FORGOTTEN_MS)) this.#forget(peer)
  }

  #forget(peer: string): void {
    const report = this.#reports.get(peer)
    if (!report) return
    this.#reports.delete(peer)
    this.#expiry.forget(peer)
    this.#files -= report.files.length
    for (const { group, fileId } of report.files) {
      const files = this.#groups.get(group)
      const peers = files?.get(fileId)
      peers?.delete(peer)
      if (peers?.size === 0) files?.delete(fileId)
      if (files?.size === 0) this.#groups.delete(group)
    }
  }

  #moving({ group, fileId }: FileProgress): Map<string, Moving> {
    const files = this.#groups.get(group) ?? new Map<string, Map<string, Moving>>()
    const peers = files.get(fileId) ?? new Map<string, Moving>()
    this.#groups.set(group, files.set(fileId, peers))
    return peers
  }
}
