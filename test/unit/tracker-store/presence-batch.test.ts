import { PresenceBatch } from '../../../tracker-store/presence-batch.ts'
import { decodeBatch, encodeBatches } from '../../../tracker-store/presence-codec.ts'
import type { PresenceChange } from '../../../tracker-store/store.ts'

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
    files: new Map(Array.from({ length: files }, (_, i) => [`g/${i}`.padEnd(70, 'x'), true])),
  },
})
const heartbeat = (peer: string, sequence: number, seen: number): PresenceChange => ({
  type: 'heartbeat',
  peer,
  sequence,
  seen,
})
const gone = (peer: string, sequence: number): PresenceChange => ({ type: 'gone', peer, sequence, seen: 9 })

function batched(...changes: PresenceChange[]): PresenceChange[] {
  const batch = new PresenceBatch()
  for (const change of changes) batch.add(change)
  return batch.take()
}

describe('presence changes that wait', () => {
  test('a heartbeat refreshes a waiting announce and does not replace it', () => {
    expect(batched(announce('p', 1, 1, 2), heartbeat('p', 1, 5))).toEqual([announce('p', 1, 5, 2)])
  })

  test('what is older than what waits is dropped, what is newer replaces it', () => {
    expect(batched(announce('p', 2, 1), announce('p', 1, 2))).toEqual([announce('p', 2, 1)])
    expect(batched(announce('p', 1, 1), gone('p', 2))).toEqual([gone('p', 2)])
    expect(batched(gone('p', 2), heartbeat('p', 2, 3))).toEqual([gone('p', 2)])
    expect(batched(gone('p', 2), announce('p', 3, 3))).toEqual([announce('p', 3, 3)])
  })

  test('changes that could not be sent come back behind those since, peers apart', () => {
    const batch = new PresenceBatch()
    batch.add(announce('p', 1, 1))
    batch.add(announce('q', 1, 1))
    const unsent = batch.take()
    expect(batch.isEmpty).toBe(true)
    batch.add(announce('p', 2, 2))
    batch.restore(unsent)
    expect(batch.take()).toEqual([announce('p', 2, 2), announce('q', 1, 1)])
  })
})

describe('presence messages', () => {
  test('they carry the changes in order, and long ones are split', () => {
    const changes = [announce('p', 1, 1, 4000), gone('q', 1), announce('r', 1, 1, 4000), heartbeat('s', 1, 1)]
    const messages = encodeBatches('me', changes).map(decodeBatch)
    expect(messages.length).toBe(3)
    expect(messages.every(({ from }) => from === 'me')).toBe(true)
    expect(messages.flatMap((message) => message.changes)).toEqual(changes)
    expect(encodeBatches('me', [])).toEqual([])
  })
})
