import { BatchCodec } from '../../../../tracker-store/presence/batch-codec.ts'
import { PresenceBatch } from '../../../../tracker-store/presence/presence-batch.ts'
import { encode } from '../../../../tracker-store/presence/presence-codec.ts'
import type { PresenceChange } from '../../../../tracker-store/store.ts'

const announce = (peer: string, sequence: number, seen: number, files = 0): PresenceChange => ({
  type: 'announce',
  presence: {
    peer,
    user: 'ann',
    host: '10.0.0.1',
    port: 1,
    tls: true,
    sequence,
    seen,
    files: [{ group: 'g', complete: 'a'.repeat(64 * files), partial: '' }],
  },
})
const heartbeat = (peer: string, sequence: number, seen: number): PresenceChange => ({
  type: 'heartbeat',
  peer,
  sequence,
  seen,
})
const gone = (peer: string, sequence: number): PresenceChange => ({ type: 'gone', peer, sequence, seen: 9 })

const textOf = (change: PresenceChange): string => encode(change).text

function batched(...changes: PresenceChange[]): PresenceChange[] {
  const batch = new PresenceBatch()
  for (const change of changes) batch.add(change)
  return batch.take()
}

describe('presence changes that wait', () => {
  test('a heartbeat refreshes a waiting announce but does not replace it', () => {
    expect(batched(announce('p', 1, 1, 2), heartbeat('p', 1, 5))).toEqual([announce('p', 1, 5, 2)])
  })

  test('an older change is dropped, and a newer one replaces the waiting one', () => {
    expect(batched(announce('p', 2, 1), announce('p', 1, 2))).toEqual([announce('p', 2, 1)])
    expect(batched(announce('p', 1, 1), gone('p', 2))).toEqual([gone('p', 2)])
    expect(batched(gone('p', 2), heartbeat('p', 2, 3))).toEqual([gone('p', 2)])
    expect(batched(gone('p', 2), announce('p', 3, 3))).toEqual([announce('p', 3, 3)])
  })

  test('failed changes are put back and merged with newer ones, per peer', () => {
    const batch = new PresenceBatch()
    batch.add(announce('p', 1, 1))
    batch.add(announce('q', 1, 1))
    const unsent = batch.take()
    expect(batch.size).toBe(0)
    batch.add(announce('p', 2, 2))
    batch.restore(unsent)
    expect(batch.take()).toEqual([announce('p', 2, 2), announce('q', 1, 1)])
  })
})

describe('presence messages', () => {
  test('messages carry the changes in order, and long ones are split', () => {
    const changes = [announce('p', 1, 1, 5000), gone('q', 1), announce('r', 1, 1, 5000), heartbeat('s', 1, 1)]
    const messages = new BatchCodec('me').encode(changes.map(textOf))
    expect(messages.length).toBe(3)
    expect(messages.flatMap((message) => new BatchCodec('you').decode(message))).toEqual(changes)
    expect(new BatchCodec('me').encode([])).toEqual([])
  })

  test('a replica ignores its own messages', () => {
    const codec = new BatchCodec<PresenceChange>('me')
    const message = codec.encode([heartbeat('p', 1, 1)].map(textOf))[0]!
    expect(codec.decode(message)).toEqual([])
    expect(new BatchCodec('mere').decode(message)).toEqual([heartbeat('p', 1, 1)])
  })
})
