import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'
import type { GrantClaims } from '../../protocol/grants.ts'
import type { GrantVerifier } from './grant-verifier.ts'

/** How often running answers are compared with their grants' ends. */
const SWEEP_MS = 1000

interface Connection {
  /** The grants of the answers that are under way. */
  readonly running: Set<{ claims: GrantClaims }>
  /** By group and user: the newest grant that was used here. */
  readonly used: Map<string, GrantClaims>
}

/**
 * The connections on which grants were accepted, for as long as they are open. A grant is checked when a request
 * arrives, and here for as long as its answer runs: the connection is cut when the grant ends, its user is removed
 * from the group, or the file is. HTTP/1.1 has no other way to end a body that has begun.
 */
export class Admissions {
  readonly #grants: GrantVerifier
  readonly #connections = new Map<Socket, Connection>()
  /** TCP connections below TLS, by the client's address and port. */
  readonly #sockets = new Map<string, Socket>()
  readonly #timer: NodeJS.Timeout

  constructor(server: Server, grants: GrantVerifier) {
    this.#grants = grants
    server.on('connection', (socket: Socket) => {
      const key = endOf(socket)
      this.#sockets.set(key, socket)
      socket.once('close', () => {
        if (this.#sockets.get(key) === socket) this.#sockets.delete(key)
      })
    })
    grants.memberships.onLoss(() => this.sweep())
    this.#timer = setInterval(() => this.sweep(), SWEEP_MS).unref()
  }

  /** Notes that a request with this grant, which was just found good, is being answered. */
  admit({ socket }: IncomingMessage, response: ServerResponse, claims: GrantClaims): void {
    let connection = this.#connections.get(socket)
    if (!connection) {
      if (socket.destroyed) return
      connection = { running: new Set(), used: new Map() }
      this.#connections.set(socket, connection)
      socket.once('close', () => this.#connections.delete(socket))
    }
    const { running, used } = connection
    const answer = { claims }
    running.add(answer)
    used.set(`${claims.grp}/${claims.sub}`, claims)
    response.once('close', () => running.delete(answer))
  }

  /** Cuts the connections of users who are no longer members, and those with an answer whose grant is no longer good. */
  sweep(): void {
    const { memberships } = this.#grants
    for (const [socket, { running, used }] of this.#connections) {
      const isRemoved = [...used.values()].some(
        (claims) => memberships.refusal({ ...claims, fid: '' }) !== null,
      )
      if (isRemoved || [...running].some(({ claims }) => !this.#grants.isGood(claims))) this.#cut(socket)
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** By a reset: else the system would go on to deliver what it has buffered, to a slow reader for minutes. */
  #cut(socket: Socket): void {
    this.#connections.delete(socket)
    try {
      this.#sockets.get(endOf(socket))?.resetAndDestroy()
    } catch {
      // A runtime that has no handle to reset: the connection is closed all the same.
    }
    socket.destroy()
  }
}

const endOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`
