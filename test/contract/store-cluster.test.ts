import { TestCluster } from '../support/redis/cluster.ts'
import { describeStoreContract } from './store/contract.ts'

// A value of 512 MiB keeps a node busy for a while; it must not be considered dead.
const options = { 'cluster-node-timeout': '15000' }
describeStoreContract('a Redis Cluster', () => TestCluster.start(0, { password: 'secret', options }))
