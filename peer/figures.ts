/** What this peer has done since it started, counted where it happens. */
export class Figures {
  readonly received = new Map<string, number>()
  readonly sent = new Map<string, number>()
  verificationFailures = 0

  addReceived(peer: string, bytes: number): void {
    this.received.set(peer, (this.received.get(peer) ?? 0) + bytes)
  }

  addSent(peer: string, bytes: number): void {
    this.sent.set(peer, (this.sent.get(peer) ?? 0) + bytes)
  }
}
