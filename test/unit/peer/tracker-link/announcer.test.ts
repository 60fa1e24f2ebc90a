import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Library } from '../../../../peer/serve/library.ts'
import { Announcer } from '../../../../peer/tracker-link/announcer.ts'
import { SigningKeys } from '../../../../peer/tracker-link/signing-keys.ts'
import { identityOf, ListeningPeer } from '../../../../testkit/test-peer.ts'
import { until } from '../../../../testkit/until.ts'
import type { KeySet } from '../../../../tracker-client/api/schemas.ts'
import { TrackerClient } from '../../../../tracker-client/client.ts'
import { TestFleet } from '../../../support/tracker-fleet.ts'

let fleet: TestFleet
let home: string
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'shoal-announcer-'))
  fleet = await TestFleet.start()
})
afterAll(async () => {
  await fleet.stop()
  rmSync(home, { recursive: true, force: true })
})

/** A client whose first requests for the keys fail. */
class UnluckyClient extends TrackerClient {
  readonly said: string[] = []
  failures = 1

  override async keys(): Promise<KeySet> {
    this.said.push('keys')
    if (this.failures-- > 0) throw new Error('no answer')
    return super.keys()
  }

  override announce(said: Parameters<TrackerClient['announce']>[0]) {
    this.said.push('announce')
    return super.announce(said)
  }
}

test('a peer does not announce itself until it has the keys to verify grants', async () => {
  const { token } = await fleet.user('ada')
  const client = new UnluckyClient({ trackers: [fleet.url], token })
  const keys = new SigningKeys(client, home)
  const self = { keys: identityOf('self'), port: 4000, tls: true }
  const announcer = new Announcer(
    client,
    new Library(),
    self,
    () => keys.ensure(),
    () => {},
  )
  announcer.start()
  await until(() => client.said.includes('announce'), 20_000)
  expect(client.said).toEqual(['keys', 'keys', 'announce'])
  expect(keys.current().keys).toHaveLength(1)
  await announcer.stop()
  // They are kept, so that the next start needs no tracker.
  const again = new SigningKeys(new UnluckyClient({ trackers: [] }), home)
  await again.ensure()
  expect(again.current()).toEqual(keys.current())
})

/** Records the sequences of its announces. */
class WatchedClient extends TrackerClient {
  readonly sequences: number[] = []
  readonly proven: boolean[] = []

  override async announce(said: Parameters<TrackerClient['announce']>[0]) {
    const answer = await super.announce(said)
    this.sequences.push(said.sequence)
    this.proven.push(said.hello !== undefined)
    return answer
  }
}

test('the sequence is never ahead of the clock, however much changes, and is proven once', async () => {
  const { token } = await fleet.user('bea')
  const client = new WatchedClient({ trackers: [fleet.url], token })
  const self = { keys: identityOf('busy'), port: 4000, tls: true }
  const ready = async (): Promise<void> => {}
  const announcer = new Announcer(client, new Library(), self, ready, () => {})
  announcer.start()
  await until(() => client.sequences.length === 1)
  for (let i = 0; i < 100_000; i++) announcer.announceSoon()
  await until(() => client.sequences.length === 2)
  expect(client.sequences[1]).toBeGreaterThan(client.sequences[0]!)
  expect(client.sequences[1]).toBeLessThanOrEqual(Date.now())
  expect(client.proven).toEqual([true, false])

  // With another user of the same home, the tracker asks for the proof again.
  const other = await fleet.user('cleo')
  client.token = other.token
  announcer.announceSoon()
  await until(() => client.sequences.length === 3)
  expect(client.proven).toEqual([true, false, true])
  await announcer.stop()
})

test('a peer that the tracker cannot reach logs one warning', async () => {
  const { token } = await fleet.user('dan')
  const warnings: string[] = []
  const client = new WatchedClient({ trackers: [fleet.url], token })
  // A port that was free a moment ago, where nothing listens.
  const listener = await ListeningPeer.start(identityOf('gone'))
  const { port } = listener
  await listener.stop()
  const self = { keys: identityOf('hidden'), port, tls: true }
  const announcer = new Announcer(
    client,
    new Library(),
    self,
    async () => {},
    (message) => warnings.push(message),
  )
  announcer.start()
  await until(() => {
    announcer.announceSoon()
    return client.sequences.length > 3
  })
  expect(warnings).toEqual([`the tracker cannot reach this peer at port ${port}: nobody is sent here`])
  await announcer.stop()
})
