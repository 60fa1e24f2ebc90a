import { startNode } from '../../testkit/redis-process.ts'
import { describeStoreContract } from './store/contract.ts'

describeStoreContract('a single Redis with a password', () => startNode({ password: 'secret' }))
