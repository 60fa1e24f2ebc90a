import { type NodeOptions, startNode, urlParts } from '../../../testkit/redis-process.ts'
import { until } from '../../../testkit/until.ts'
import { infoOf } from './sentinel.ts'

const MASTERS = 3
const SLOTS = 16_384

type Node = Awaited<ReturnType<typeof startNode>>

/** Three masters of a Redis Cluster, each with `replicas` replicas. */
export class TestCluster {
  readonly url: string
  readonly masters: Node[]
  readonly replicas: Node[]

  private constructor(url: string, masters: Node[], replicas: Node[]) {
    this.url = url
    this.masters = masters
    this.replicas = replicas
  }

  static async start(replicas = 0, node: NodeOptions = {}): Promise<TestCluster> {
    const options = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '1000', ...node.options }
    const nodes = await Promise.all(
      Array.from({ length: MASTERS * (1 + replicas) }, () => startNode({ ...node, options })),
    )
    const { scheme, user, query } = urlParts(node)
    const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')
    const cluster = new TestCluster(
      `${scheme}+cluster://${user}${hosts}${query}`,
      nodes.slice(0, MASTERS),
      nodes.slice(MASTERS),
    )
    await cluster.#form()
    return cluster
  }

  async stop(): Promise<void> {
    await Promise.all([...this.masters, ...this.replicas].map((server) => server.stop()))
  }

  async #form(): Promise<void> {
    const [first, ...others] = [...this.masters, ...this.replicas] as [Node, ...Node[]]
    await Promise.all(this.masters.map(takeSlots))
    for (const { port } of others)
      await first.ask((redis) => redis.call('CLUSTER', 'MEET', '127.0.0.1', port))
    const nodes = [first, ...others]
    const isKnown = async (node: Node) =>
      (await clusterInfo(node)).includes(`cluster_known_nodes:${nodes.length}`)
    for (const node of nodes) await until(() => isKnown(node), 20_000)
    await Promise.all(this.replicas.map((replica, i) => follow(replica, this.masters[i % MASTERS] as Node)))
    for (const node of nodes)
      await until(async () => (await clusterInfo(node)).includes('cluster_state:ok'), 20_000)
    const slaves = async (): Promise<number> =>
      String(await first.ask((redis) => redis.call('CLUSTER', 'NODES'))).split(' slave ').length - 1
    await until(async () => (await slaves()) === this.replicas.length, 20_000)
  }
}

async function takeSlots(node: Node, index: number): Promise<void> {
  const [from, to] = [index, index + 1].map((i) => Math.floor((SLOTS * i) / MASTERS)) as [number, number]
  const slots = Array.from({ length: to - from }, (_, i) => from + i)
  await node.ask(async (redis) => {
    await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
    await redis.call('CLUSTER', 'ADDSLOTS', ...slots)
  })
}

async function follow(replica: Node, master: Node): Promise<void> {
  const id = String(await master.ask((redis) => redis.call('CLUSTER', 'MYID')))
  await replica.ask((redis) => redis.call('CLUSTER', 'REPLICATE', id))
  await until(async () => (await infoOf(replica)).includes('master_link_status:up'), 20_000)
}

const clusterInfo = async (node: Node): Promise<string> =>
  String(await node.ask((redis) => redis.call('CLUSTER', 'INFO')))
