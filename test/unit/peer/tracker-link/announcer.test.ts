import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Library } from '../../../../peer/serve/library.ts'
import { Announcer } from '../../../../peer/tracker-link/announcer.ts'
import { SigningKeys } from '../../../../peer/tracker-link/signing-keys.ts'
import type { KeySet } from '../../../../tracker/api/schemas.ts'
import { TrackerClient } from '../../../../tracker/client/client.ts'
import { TestFleet } from '../../../support/tracker-fleet.ts'
import { until } from '../../../support/until.ts'

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

/** Its first questions for the keys have no answer. */
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

test('nobody is sent to a peer that has no keys yet to tell friends from strangers by', async () => {
  const { token } = await fleet.user('ada')
  const client = new UnluckyClient({ trackers: [fleet.url], token })
  const keys = new SigningKeys(client, home)
  const self = { peer: 'ab'.repeat(32), port: 4000, tls: true }
  const announcer = new Announcer(client, new Library(), self, () => keys.ensure())
  announcer.start()
  await until(() => client.said.includes('announce'), 20_000)
  expect(client.said).toEqual(['keys', 'keys', 'announce'])
  expect(keys.current().keys).toHaveLength(1)
  await announcer.stop()
  // They are kept: the next start asks nobody.
  const again = new SigningKeys(new UnluckyClient({ trackers: [] }), home)
  await again.ensure()
  expect(again.current()).toEqual(keys.current())
})
