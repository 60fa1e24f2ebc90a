import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Home, World } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'
import type { MovingSwarms, SwarmPicture } from '../../tracker-client/api/schemas.ts'

const MIB = 1024 * 1024
const world = new World()
afterAll(() => world.close())

/** A tracker's answer to the user who is logged in in this home. */
async function ask<T>(home: Home, tracker: string, path: string): Promise<T> {
  const { token } = JSON.parse(readFileSync(join(home.folder, 'session.json'), 'utf8')) as { token: string }
  const response = await fetch(`${tracker}/v1/groups/team${path}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  expect(response.status).toBe(200)
  return (await response.json()) as T
}

const held = (parts: string): number => Buffer.from(parts, 'base64').filter((part) => part === 255).length

test('the picture of a slow download shows progress and rate, and a second seed at the end', async () => {
  const first = await world.tracker()
  const second = await world.tracker()
  const ada = await world.home('ada').join('ada')
  const bob = await world.home('bob').join('bob')
  await ada.ok('group create team')
  await bob.ok('group join team')
  await ada.ok('group accept team bob')
  writeFileSync(join(ada.folder, 'slow'), randomBytes(8 * MIB))
  await ada.ok('peer start --detach')
  const { files } = await ada.ok<{ files: { fileId: string; chunks: number }[] }>(
    'peer upload slow --group team',
  )
  const { fileId, chunks } = files[0]!
  await bob.ok('peer start --detach')
  const [{ peer: adas }, { peer: bobs }] = [
    await ada.ok<{ peer: string }>('peer status'),
    await bob.ok<{ peer: string }>('peer status'),
  ]
  // The home's commands and its peer use the first replica. The pictures come from both.
  const pictures: SwarmPicture[] = []
  const peerOf = (peer: string) => pictures.at(-1)?.peers.find((each) => each.peer === peer)
  const look = async (): Promise<void> => {
    pictures.push(await ask<SwarmPicture>(ada, second.ready.url as string, `/swarms/${fileId}`))
  }
  const download = bob.spawn('peer download team:slow --max-down 1MiB')
  const ended = once(download, 'close')
  const steps: number[] = []
  let listed = false
  await until(async () => {
    await look()
    const leecher = peerOf(bobs)
    const now = leecher?.seed ? chunks : (leecher?.held ?? 0)
    if (
      leecher &&
      !leecher.seed &&
      now > (steps.at(-1) ?? 0) &&
      leecher.down > 0 &&
      (peerOf(adas)?.up ?? 0) > 0
    ) {
      steps.push(now)
      // So small a file has one part per chunk.
      expect(held(leecher.parts)).toBe(now)
      // Later, the download may end between two requests.
      if (now > 0.75 * chunks) return false
      const { swarms, total } = await ask<MovingSwarms>(ada, first.ready.url as string, '/swarms')
      expect({ swarms, total }).toMatchObject({ swarms: [{ fileId, name: 'slow', seeds: 1 }], total: 1 })
      listed = true
    }
    return leecher?.seed === true
  }, 40_000)
  expect(await ended).toEqual([0, null])
  expect(listed).toBe(true)
  expect(steps.length).toBeGreaterThan(1)
  expect(steps).toEqual(steps.toSorted((a, b) => a - b))
  const rates = pictures.flatMap(({ peers }) => peers.map(({ down }) => down)).filter((down) => down > 0)
  // Only whole chunks count, and a rate covers about four seconds.
  expect(Math.max(...rates)).toBeLessThan(1.6 * MIB)
  expect(peerOf(bobs)).toMatchObject({ user: 'bob', seed: true, held: chunks })
  await until(async () => {
    const { total } = await ask<MovingSwarms>(ada, second.ready.url as string, '/swarms')
    return total === 0
  }, 15_000)
  await look()
  expect(pictures.at(-1)).toMatchObject({ total: 2, seeds: 2, leechers: 0, down: 0, up: 0 })
}, 90_000)
