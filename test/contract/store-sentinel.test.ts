import { TestSentinel } from '../support/redis/sentinel.ts'
import { describeStoreContract } from './store/contract.ts'

describeStoreContract('a Redis watched by Sentinels', () => TestSentinel.start(0, { password: 'secret' }))
