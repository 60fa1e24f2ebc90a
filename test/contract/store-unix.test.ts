import { TestRedis } from '../../testkit/redis-server.ts'
import { describeStoreContract } from './store/contract.ts'

describeStoreContract('a Redis on a unix socket (like the embedded one)', TestRedis.start)
