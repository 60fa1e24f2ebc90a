import type { FileProgress, ProgressReport } from '../../protocol/records.ts'
import { ExpiryBuckets } from './expiry-buckets.ts'

/** A peer that was silent for so long moves nothing any more, for all that is known. */
export const FORGOTTEN_MS = 10_000
/** Most peers whose reports are kept, and files that these name together: some 30 MB. */
const MAX_PEERS = 4000
const MAX_FILES = 50_000

/** What one peer said of one file. */
export type Moving = FileProgress & { user: string }

const NOTHING: ReadonlyMap<string, Moving> = new Map()

/**
 * What peers hold and move now, in memory: by group, file and peer. A report takes the place of the peer's one
 * before, and is forgotten when none follows. `now` is milliseconds since the epoch.
 */
export class ProgressTable {
  readonly #reports = new Map<string, ProgressReport>()
  readonly #groups = new Map<string, Map<string, Map<string, Moving>>>()
  readonly #expiry = new ExpiryBuckets()
  #files = 0

  /** Peers whose reports are known. */
  get peerCount(): number {
    return this.#reports.size
  }

  /** Takes a report in; false where there is no room for it. */
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

  /** What is known of a file's peers, by their ids. */
  ofFile(group: string, fileId: string, now: number): ReadonlyMap<string, Moving> {
    this.#expire(now)
    return this.#groups.get(group)?.get(fileId) ?? NOTHING
  }

  /** All files of a group of which something is known. */
  ofGroup(group: string, now: number): ReadonlyMap<string, ReadonlyMap<string, Moving>> {
    this.#expire(now)
    return this.#groups.get(group) ?? new Map()
  }

  /** Looks at no more than has expired, so that each call may do it. */
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
