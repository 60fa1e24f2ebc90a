import type { PeerPresence, PresenceChange } from '../store.ts'
import { stampOf } from './presence-batch.ts'

/** A change, serialised once for both Redis and the other replicas. */
export interface EncodedChange extends Pick<PeerPresence, 'peer' | 'sequence' | 'seen'> {
  type: PresenceChange['type']
  /** An announce's presence as JSON; otherwise empty. */
  presence: string
  text: string
  /** For a heartbeat: the announce that it repeats, if known here. */
  announced?: Readonly<PeerPresence>
}

export function encode(change: PresenceChange): EncodedChange {
  const { type } = change
  const { peer, sequence, seen } = stampOf(change)
  if (type === 'announce') {
    const presence = JSON.stringify(change.presence)
    return { type, peer, sequence, seen, presence, text: `{"type":"announce","presence":${presence}}` }
  }
  const text = JSON.stringify({ type, peer, sequence, seen })
  const encoded: EncodedChange = { type, peer, sequence, seen, presence: '', text }
  if (type === 'heartbeat' && change.announced) encoded.announced = change.announced
  return encoded
}
