import { connect as connectTcp, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { AbstractConnector, type RedisOptions } from 'ioredis'
import type { RedisAddress } from './url.ts'

/**
 * Makes each connection to the next of the nodes that `addresses` names then. Pub/sub of a Redis Cluster
 * reaches every node, so a subscriber needs any one; ioredis's own subscriber of a cluster does not tell when
 * its connection is lost, and with it messages.
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
