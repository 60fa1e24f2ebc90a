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

  addReceived(peer: string, bytes: number): void {
    this.received.set(peer, (this.received.get(peer) ?? 0) + bytes)
  }

  addSent(peer: string, { group, fileId, bytes }: FileBytes): void {
    this.sent.set(peer, (this.sent.get(peer) ?? 0) + bytes)
    const key = fileKey(group, fileId)
    const file = this.sentOf.get(key)
    if (file) file.bytes += bytes
    else this.sentOf.set(key, { group, fileId, bytes })
  }
}
