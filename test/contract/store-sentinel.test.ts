import { TestSentinel } from '../support/redis/sentinel.ts'
import { describeStoreContract } from './store/contract.ts'

describeStoreContract('a Redis that Sentinels watch', () => TestSentinel.start(0, { password: 'secret' }))
