import type { PeerPresence, PresenceChange } from './store.ts'

/** The files as pairs: names that users choose never become the keys of an object. */
type Packed = Omit<PeerPresence, 'files'> & { files: [string, boolean][] }
type PackedChange = Exclude<PresenceChange, { type: 'announce' }> | { type: 'announce'; presence: Packed }

/** What one replica tells the others at once. */
interface Batch {
  from: string
  changes: PackedChange[]
}

/** Length from which a message is closed: a subscriber's output buffer in Redis is bounded. */
const MESSAGE_LENGTH = 256 * 1024

export const encodePresence = (presence: PeerPresence): string => JSON.stringify(pack(presence))
export const decodePresence = (text: string): PeerPresence => unpack(JSON.parse(text) as Packed)

const pack = (presence: PeerPresence): Packed => ({ ...presence, files: [...presence.files] })
const unpack = (packed: Packed): PeerPresence => ({ ...packed, files: new Map(packed.files) })

/** Messages that carry the changes in order. */
export function encodeBatches(from: string, changes: readonly PresenceChange[]): string[] {
  const messages: string[] = []
  let items: string[] = []
  let length = 0
  const close = (): void => {
    if (items.length > 0) messages.push(`{"from":${JSON.stringify(from)},"changes":[${items.join(',')}]}`)
    items = []
    length = 0
  }
  for (const change of changes) {
    const item = JSON.stringify(
      change.type === 'announce' ? { type: 'announce', presence: pack(change.presence) } : change,
    )
    items.push(item)
    length += item.length
    if (length >= MESSAGE_LENGTH) close()
  }
  close()
  return messages
}

export function decodeBatch(message: string): { from: string; changes: PresenceChange[] } {
  const { from, changes } = JSON.parse(message) as Batch
  return {
    from,
    changes: changes.map((change) =>
      change.type === 'announce' ? { type: 'announce', presence: unpack(change.presence) } : change,
    ),
  }
}
