import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectRedis } from '../../redis/connect.ts'
import { requireRedis } from '../../redis/version.ts'
import { startNode } from '../../testkit/redis-process.ts'
import { until } from '../../testkit/until.ts'
import { openStore } from '../../tracker-store/open.ts'
import { TestCluster } from '../support/redis/cluster.ts'
import { TestSentinel } from '../support/redis/sentinel.ts'
import { selfSigned } from '../support/self-signed.ts'
import { type Backend, by, code } from './store/fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'shoal-tls-'))
afterAll(() => rmSync(folder, { recursive: true }))

const { cert, key } = selfSigned(folder)
const node = { password: 'secret', tls: { cert, key, ca: cert } }

const BACKENDS: [string, () => Promise<Backend>][] = [
  ['a single Redis', () => startNode(node)],
  ['a Redis watched by Sentinels', () => TestSentinel.start(0, node)],
  ['a Cluster', () => TestCluster.start(0, node)],
]

test.each(BACKENDS)('%s is reached over TLS only by clients that trust its authority', async (_, start) => {
  const backend = await start()
  try {
    expect(backend.url).toMatch(/^rediss.*\?ca=/)
    const [a, b] = await Promise.all(['a', 'b'].map((id) => openStore({ redis: backend.url, replicaId: id })))
    await b!.groups.view('team')
    await a!.groups.create(by('ann'), 'team')
    await until(async () => (await b!.groups.view('team')) !== null)
    await Promise.all([a!.close(), b!.close()])
    const url = backend.url.split('?')[0]!
    const distrusting = connectRedis(url, 'commands')
    await expect(requireRedis(distrusting, url, 500)).rejects.toEqual(code('REDIS_UNREACHABLE'))
    distrusting.disconnect()
  } finally {
    await backend.stop()
  }
})

test('an unreadable authority file is named in the error', async () => {
  const redis = `rediss://127.0.0.1:1?ca=${join(folder, 'none.pem')}`
  await expect(openStore({ redis, replicaId: 'a' })).rejects.toMatchObject({
    code: 'PATH_NOT_FOUND',
    message: expect.stringContaining('none.pem'),
  })
})
