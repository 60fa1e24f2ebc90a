import { type Home, World } from '../../testkit/shoal.ts'

/** A tracker, and the homes of ada, who owns the group "team", and bob, its other member. One instance per test file. */
export const world = new World()
export let ada: Home
export let bob: Home

/** `withPeers` starts a peer in each home, for all tests of the file. */
export function useTwoHomes({ withPeers = false } = {}): void {
  beforeAll(async () => {
    await world.tracker()
    ;[ada, bob] = await world.users('ada', 'bob')
    await ada.ok('group create team')
    await ada.admit('team', bob)
    if (withPeers) for (const home of [ada, bob]) await home.ok('peer start --detach')
  }, 60_000)
  afterAll(() => world.close())
}
