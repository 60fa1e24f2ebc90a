import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'
import type { GrantClaims } from '../../protocol/grants.ts'
import type { GrantVerifier } from './grant-verifier.ts'

/** How often the grants of running answers are checked. */
const SWEEP_MS = 1000

interface Connection {
  /** The grants of the running answers. */
  readonly running: Set<{ claims: GrantClaims }>
  /** The newest grant used here, by group and user. */
  readonly used: Map<string, GrantClaims>
}

/**
 * The open connections on which grants were accepted. GrantVerifier checks a grant when the request arrives; this
 * class checks it while the answer runs, and cuts the connection when the grant ends, or its user or file is removed
 * from the group. HTTP/1.1 has no other way to end a body that has begun.
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

  /** Registers the answer to a request whose grant was accepted. */
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

  /** Cuts the connections of removed members, and those with an answer whose grant has ended. */
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

  /** Resets the connection. After a plain close, the system would deliver its buffers, to a slow reader for minutes. */
  #cut(socket: Socket): void {
    this.#connections.delete(socket)
    try {
      this.#sockets.get(endOf(socket))?.resetAndDestroy()
    } catch {
      // Some runtimes have no handle to reset. The close below is enough then.
    }
    socket.destroy()
  }
}

const endOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`
