import { Background } from '../../../../packed/background.ts'
import { Library } from '../../../../peer/serve/library.ts'
import { Memberships } from '../../../../peer/serve/memberships.ts'
import type { Seeds } from '../../../../peer/serve/seeds.ts'
import { MembershipWatch } from '../../../../peer/tracker-link/membership-watch.ts'
import { ShoalError } from '../../../../protocol/errors.ts'
import { until } from '../../../../testkit/until.ts'
import type { TrackerClient } from '../../../../tracker-client/client.ts'

test('a failure to follow a group is logged with its meaning, a refusal is not, and the group is followed again', async () => {
  const logged: string[] = []
  const background = new Background((message) => logged.push(message))
  let asked = 0
  const client = {
    async group() {
      asked++
      if (asked === 1) throw new ShoalError('TRACKER_UNREACHABLE', 'no tracker answers')
      if (asked === 2) throw new TypeError('members is not iterable')
      return { revision: 1, members: [] }
    },
    async *events() {},
  } as unknown as TrackerClient
  const library = new Library()
  const served = { fileId: 'a', groups: new Set(['team']) } as unknown as Parameters<Library['set']>[0]
  library.set(served)
  const watch = new MembershipWatch(client, library, new Memberships(), {} as Seeds, background)
  watch.start()
  await until(() => asked === 3, 15_000)
  watch.stop()
  expect(logged).toEqual([
    'following the members of a group failed: who left is served until their grant ends: members is not iterable',
  ])
})
