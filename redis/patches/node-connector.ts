import { connect as connectTcp, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { AbstractConnector, type RedisOptions } from 'ioredis'
import type { RedisAddress } from '../url.ts'

/**
 * Connects to the next of the nodes that `addresses` returns. Cluster pub/sub reaches every node, so a
 * subscriber may use any of them. ioredis's own cluster subscriber does not report a lost connection, and its
 * lost messages go unnoticed.
 */
export function nodeConnector(
  addresses: () => RedisAddress[],
  tls: ConnectionOptions | undefined,
): NonNullable<RedisOptions['Connector']> {
  let turn = Math.floor(Math.random() * 1000)
  return class extends AbstractConnector {
    constructor(options: unknown) {
      super((options as RedisOptions).disconnectTimeout ?? 2000)
    }

    async connect(): Promise<Socket> {
      this.connecting = true
      const nodes = addresses()
      const address = nodes[turn++ % nodes.length] as RedisAddress
      const stream = tls ? connectTls({ ...address, ...tls }) : connectTcp(address)
      this.stream = stream
      stream.once('error', (error) => {
        this.firstError = error
      })
      return stream
    }
  }
}
