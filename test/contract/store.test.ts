import { TestRedis } from '../support/redis-server.ts'
import { describeStoreContract } from './store/contract.ts'

describeStoreContract('a single Redis', TestRedis.start)
