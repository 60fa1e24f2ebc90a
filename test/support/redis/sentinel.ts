import { type NodeOptions, type RedisProcess, startNode, urlParts } from '../../../testkit/redis-process.ts'
import { until } from '../../../testkit/until.ts'

const NAME = 'shoal'
const SENTINELS = 3

type Node = Awaited<ReturnType<typeof startNode>>

/** A master, its replicas, and three Sentinels that watch them. */
export class TestSentinel {
  readonly url: string
  readonly master: Node
  readonly replicas: Node[]
  readonly sentinels: Node[]

  private constructor(url: string, master: Node, replicas: Node[], sentinels: Node[]) {
    this.url = url
    this.master = master
    this.replicas = replicas
    this.sentinels = sentinels
  }

  /** Resolves once the Sentinels could elect a replica, if there is one. */
  static async start(replicaCount = 0, node: NodeOptions = {}): Promise<TestSentinel> {
    const master = await startNode(node)
    const replicaof = { replicaof: `127.0.0.1 ${master.port}` }
    const replicas = await Promise.all(
      Array.from({ length: replicaCount }, () =>
        startNode({ ...node, options: { ...node.options, ...replicaof } }),
      ),
    )
    for (const replica of replicas)
      await until(async () => (await infoOf(replica)).includes('master_link_status:up'))
    const sentinels = await Promise.all(
      Array.from({ length: SENTINELS }, () => startSentinel(master.port, node)),
    )
    const { scheme, user, query } = urlParts(node)
    const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')
    const group = new TestSentinel(
      `${scheme}+sentinel://${user}${hosts}/${NAME}${query}`,
      master,
      replicas,
      sentinels,
    )
    if (replicaCount > 0) await until(() => group.#isWatched(), 20_000)
    return group
  }

  async stop(): Promise<void> {
    await Promise.all([this.master, ...this.replicas, ...this.sentinels].map((server) => server.stop()))
  }

  async #isWatched(): Promise<boolean> {
    const known = await Promise.all(
      this.sentinels.map((sentinel) => sentinel.ask((redis) => redis.call('SENTINEL', 'MASTER', NAME))),
    )
    return known.every((reply) => {
      const fields = reply as string[]
      const count = (name: string): number => Number(fields[fields.indexOf(name) + 1])
      return count('num-other-sentinels') === SENTINELS - 1 && count('num-slaves') === this.replicas.length
    })
  }
}

export const infoOf = (server: RedisProcess): Promise<string> =>
  server.ask((redis) => redis.info('replication'))

function startSentinel(masterPort: number, { password, tls }: NodeOptions): Promise<Node> {
  return startNode(tls ? { tls } : {}, [
    `sentinel monitor ${NAME} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${NAME} 500`,
    `sentinel failover-timeout ${NAME} 5000`,
    ...(password ? [`sentinel auth-pass ${NAME} ${password}`] : []),
  ])
}
