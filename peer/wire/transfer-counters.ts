import { ByteRate } from './byte-rate.ts'

export interface FileBytes {
  group: string
  fileId: string
  bytes: number
}

/** Unique, because a group's name has no slash. */
export const fileKey = (group: string, fileId: string): string => `${group}/${fileId}`

/** Counts what this peer has transferred since it started. */
export class TransferCounters {
  readonly received = new Map<string, number>()
  readonly sent = new Map<string, number>()
  /** Bytes sent of each file, by fileKey, until peer/tracker-link/transfers.ts removes the entry. */
  readonly sentOf = new Map<string, FileBytes>()
  verificationFailures = 0
  readonly #down = new ByteRate()
  readonly #up = new ByteRate()

  /** What moves now, in bytes a second. */
  rates(): { down: number; up: number } {
    const now = performance.now()
    return { down: this.#down.at(now), up: this.#up.at(now) }
  }

  addReceived(peer: string, bytes: number): void {
    this.#down.add(bytes, performance.now())
    this.received.set(peer, (this.received.get(peer) ?? 0) + bytes)
  }

  addSent(peer: string, { group, fileId, bytes }: FileBytes): void {
    this.#up.add(bytes, performance.now())
    this.sent.set(peer, (this.sent.get(peer) ?? 0) + bytes)
    const key = fileKey(group, fileId)
    const file = this.sentOf.get(key)
    if (file) file.bytes += bytes
    else this.sentOf.set(key, { group, fileId, bytes })
  }
}
