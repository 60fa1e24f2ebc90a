import { describeEvents } from './events.ts'
import { describeFiles } from './files.ts'
import { type Backend, useFixture } from './fixture.ts'
import { describeFleet } from './fleet.ts'
import { describeGroups } from './groups.ts'
import { describeUsers } from './users.ts'
import { describeVersions } from './versions.ts'

/** Proves every promise of tracker-store/store.ts against the real Redis that `makeBackend` starts. */
export function describeStoreContract(name: string, makeBackend: () => Promise<Backend>): void {
  describe(`the store on ${name}`, () => {
    const fixture = useFixture(makeBackend)
    describeUsers(fixture)
    describeGroups(fixture)
    describeFiles(fixture)
    describeVersions(fixture)
    describeEvents(fixture)
    describeFleet(fixture)
  })
}
