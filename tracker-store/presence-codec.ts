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
