import { createHash, randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { chunkCount } from '../../../protocol/chunking.ts'
import { connectionName, connectRedis, masters, type RedisClient } from '../../../redis/connect.ts'
import { openStore } from '../../../tracker-store/open.ts'
import type { Mutation, NewFile, Store } from '../../../tracker-store/store.ts'

/** A Redis of any kind (single, Sentinel, Cluster) to run the contract against. */
export interface Backend {
  url: string
  stop(): Promise<void>
}

/** Two replicas over one backend, and a raw connection to inspect the data. */
export interface Fixture {
  readonly url: string
  readonly a: Store
  readonly b: Store
  readonly raw: RedisClient
}

/** Opens the fixture before the tests of the surrounding block and closes it afterwards. */
export function useFixture(makeBackend: () => Promise<Backend>): Fixture {
  let backend: Backend
  let fixture: Fixture
  beforeAll(async () => {
    backend = await makeBackend()
    const { url } = backend
    const raw = connectRedis(url, 'queue')
    const [a, b] = await Promise.all([
      openStore({ redis: url, replicaId: 'a' }),
      openStore({ redis: url, replicaId: 'b' }),
    ])
    fixture = { url, a, b, raw }
  })
  afterAll(async () => {
    await Promise.all([fixture?.a.close(), fixture?.b.close()])
    fixture?.raw.disconnect()
    await backend?.stop()
  })
  return {
    get url() {
      return fixture.url
    },
    get a() {
      return fixture.a
    },
    get b() {
      return fixture.b
    },
    get raw() {
      return fixture.raw
    },
  }
}

/** This process's subscribers in CLIENT LIST, with the server that each is connected to. */
export async function subscribers({ raw }: Fixture): Promise<{ server: Redis; id: string }[]> {
  const lists = masters(raw).map(async (server) => {
    const lines = String(await server.call('CLIENT', 'LIST', 'TYPE', 'pubsub')).split('\n')
    const own = lines.filter((line) => line.includes(` name=${connectionName()} `))
    return own.map((line) => ({ server, id: /^id=(\d+)/.exec(line)?.[1] ?? '' }))
  })
  return (await Promise.all(lists)).flat()
}

/** Cuts the replicas' pub/sub connections. Returns how many there were. */
export async function killSubscribers(fixture: Fixture): Promise<number> {
  const found = await subscribers(fixture)
  await Promise.all(found.map(({ server, id }) => server.call('CLIENT', 'KILL', 'ID', id)))
  return found.length
}

let names = 0
/** A name that no other test uses. */
export const fresh = (stem: string): string => `${stem}${++names}`

export const by = (user: string, at = new Date()): Mutation => ({
  key: randomUUID(),
  by: user,
  at: at.toISOString(),
})

/** A file with inline hashes. The store does not check that its id matches them. */
export function newFile(name: string, content = name, size = 1000): NewFile {
  const fileId = createHash('sha256').update(content).digest('hex')
  return { name, fileId, size, hashes: Buffer.alloc(chunkCount(size) * 32, fileId, 'hex') }
}

/** A replica's info about itself. */
export const replicaInfo = (id: string) => ({
  id,
  url: `http://${id}`,
  started: new Date(0).toISOString(),
  memory: 1,
  swarms: 2,
  peers: 3,
})

export const code = (expected: string): unknown => expect.objectContaining({ code: expected })

/** Creates a group with an owner and members through `store`. */
export async function makeGroup(
  store: Store,
  group: string,
  owner: string,
  ...members: string[]
): Promise<void> {
  await store.groups.create(by(owner), group)
  for (const member of members) await store.groups.request(by(member), group)
  if (members.length > 0) await store.groups.accept(by(owner), group, members)
}
