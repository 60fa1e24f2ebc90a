import { type Redis, type SentinelConnectionOptions, SentinelConnector } from 'ioredis'

type Connect = (endpoint: object, options?: object) => Redis

/**
 * Connects to the master that Sentinels name, and listens to them for its successor. ioredis gives the
 * connections that listen the time limit of those that ask: a Sentinel that was away for that long in the
 * beginning would never be listened to, and each try would be an error that nobody handles.
 */
export class MasterConnector extends SentinelConnector {
  constructor(options: unknown) {
    super(options as SentinelConnectionOptions)
    // A private method of ioredis. Only connections that listen are made with options of their own.
    const own = this as unknown as { connectToSentinel: Connect }
    const connect = own.connectToSentinel.bind(this)
    own.connectToSentinel = (endpoint, options) => {
      if (!options) return connect(endpoint)
      const client = connect(endpoint, { ...options, commandTimeout: undefined, maxRetriesPerRequest: null })
      return client.on('error', () => {})
    }
  }
}
