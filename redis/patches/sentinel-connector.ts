import { type Redis, type SentinelConnectionOptions, SentinelConnector } from 'ioredis'

type Connect = (endpoint: object, options?: object) => Redis

/**
 * Connects to the master that Sentinels name, and listens to them for its successor. ioredis applies the
 * command timeout to the listening connections too. It would never listen to a Sentinel that was away at the
 * start for longer than the timeout, and each attempt would be an unhandled error.
 */
export class MasterConnector extends SentinelConnector {
  constructor(options: unknown) {
    super(options as SentinelConnectionOptions)
    // A private method of ioredis. Only listening connections pass their own options.
    const own = this as unknown as { connectToSentinel: Connect }
    const connect = own.connectToSentinel.bind(this)
    own.connectToSentinel = (endpoint, options) => {
      if (!options) return connect(endpoint)
      const client = connect(endpoint, { ...options, commandTimeout: undefined, maxRetriesPerRequest: null })
      return client.on('error', () => {})
    }
  }
}
