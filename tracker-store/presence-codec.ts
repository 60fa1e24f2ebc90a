import { stampOf } from './presence-batch.ts'
import type { PeerPresence, PresenceChange } from './store.ts'

/** A change with its texts, made once for Redis and the other replicas. */
export interface EncodedChange extends Pick<PeerPresence, 'peer' | 'sequence' | 'seen'> {
  type: PresenceChange['type']
  /** JSON of what an announce says of the peer, else empty. */
  presence: string
  text: string
}

export function encode(change: PresenceChange): EncodedChange {
  const { type } = change
  const { peer, sequence, seen } = stampOf(change)
  const presence = type === 'announce' ? JSON.stringify(change.presence) : ''
  const text = type === 'announce' ? `{"type":"announce","presence":${presence}}` : JSON.stringify(change)
  return { type, peer, sequence, seen, presence, text }
}

/** Length from which a message is closed: a subscriber's output buffer in Redis is bounded. */
const MESSAGE_LENGTH = 256 * 1024

/** What one replica tells the others at once: "{from, changes}" in JSON. */
export class BatchCodec {
  readonly #head: string

  constructor(replica: string) {
    this.#head = `{"from":${JSON.stringify(replica)},"changes":[`
  }

  /** Messages that carry the changes in order. */
  encode(changes: readonly EncodedChange[]): string[] {
    const messages: string[] = []
    let items: string[] = []
    let length = 0
    const close = (): void => {
      if (items.length > 0) messages.push(`${this.#head}${items.join(',')}]}`)
      items = []
      length = 0
    }
    for (const { text } of changes) {
      items.push(text)
      length += text.length
      if (length >= MESSAGE_LENGTH) close()
    }
    close()
    return messages
  }

  /** The changes of another replica; none of a message of this one's own, which comes back to it. */
  decode(message: string): PresenceChange[] {
    if (message.startsWith(this.#head)) return []
    return (JSON.parse(message) as { changes: PresenceChange[] }).changes
  }
}
