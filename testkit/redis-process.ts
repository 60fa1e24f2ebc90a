import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectRedis, type RedisClient } from '../redis/connect.ts'
import { findRedisServer } from '../redis/embedded/binary.ts'

/** A private redis-server with its data in a folder. The options define its role. */
export class RedisProcess {
  readonly url: string
  readonly folder: string
  readonly #args: string[]
  #server: ChildProcess | null = null

  constructor(folder: string, url: string, options: Record<string, string>, first: string[] = []) {
    this.folder = folder
    this.url = url
    const all = { dir: folder, save: '', logfile: join(folder, 'redis.log'), ...options }
    this.#args = [...first, ...Object.entries(all).flatMap(([name, value]) => [`--${name}`, value])]
  }

  /** Starts the server, or restarts it on the same data after `kill`. Resolves once it answers. */
  async start(): Promise<void> {
    const server = spawn(findRedisServer(), this.#args, { stdio: 'ignore' })
    this.#server = server
    const ended = once(server, 'exit').then(() => null)
    const pong = await this.ask((redis) => Promise.race([redis.ping(), ended]))
    if (pong === null)
      throw new Error(`redis-server ended: ${await readFile(join(this.folder, 'redis.log'), 'utf8')}`)
  }

  /** The pid of the running server. */
  get pid(): number {
    return this.#server!.pid!
  }

  /** Runs a query on this server. */
  async ask<T>(question: (redis: RedisClient) => Promise<T>): Promise<T> {
    const connection = connectRedis(this.url, 'queue')
    try {
      return await question(connection)
    } finally {
      connection.disconnect()
    }
  }

  /** Stops the server from answering but keeps its connections open. */
  freeze(): void {
    this.#server?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#server?.kill('SIGCONT')
  }

  /** Kills the server, like a crash. */
  async kill(): Promise<void> {
    const server = this.#server
    this.#server = null
    if (server === null || server.exitCode !== null) return
    const exit = once(server, 'exit')
    server.kill('SIGKILL')
    await exit
  }

  signal(name: NodeJS.Signals): void {
    this.#server?.kill(name)
  }

  async stop(): Promise<void> {
    await this.kill()
    await rm(this.folder, { recursive: true, force: true })
  }
}

export const redisFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'shoal-redis-'))

/** A port that was free a moment ago, and with it the cluster bus port, 10,000 above it. */
export async function freePort(): Promise<number> {
  const port = await listenOnce(0)
  const free = port <= 55_535 && (await listenOnce(port + 10_000).catch(() => null)) !== null
  return free ? port : freePort()
}

async function listenOnce(port: number): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

export interface NodeOptions {
  password?: string
  /** PEM files of certificate, key and authority, for TLS instead of TCP. */
  tls?: { cert: string; key: string; ca: string }
  options?: Record<string, string>
}

/** The scheme ("redis" or "rediss"), and the parts of the URL before and after the hosts. */
export function urlParts({ password, tls }: NodeOptions): { scheme: string; user: string; query: string } {
  return {
    scheme: tls ? 'rediss' : 'redis',
    user: password ? `:${password}@` : '',
    query: tls ? `?ca=${encodeURIComponent(tls.ca)}` : '',
  }
}

/** Starts a server on a free loopback port, or a Sentinel if `sentinel` has its configuration lines. */
export async function startNode(
  node: NodeOptions,
  sentinel: string[] = [],
): Promise<RedisProcess & { port: number }> {
  const port = await freePort()
  const { scheme, user, query } = urlParts(node)
  const { password, tls } = node
  const options = {
    bind: '127.0.0.1',
    'repl-diskless-sync-delay': '0',
    ...(tls ? { port: '0', 'tls-port': String(port), ...tlsArguments(tls) } : { port: String(port) }),
    ...(password ? { requirepass: password, masterauth: password } : {}),
    ...node.options,
  }
  const url = `${scheme}://${user}127.0.0.1:${port}${query}`
  const folder = await redisFolder()
  const file = join(folder, 'sentinel.conf')
  if (sentinel.length > 0) await writeFile(file, `${sentinel.join('\n')}\n`)
  const server = new RedisProcess(folder, url, options, sentinel.length > 0 ? [file, '--sentinel'] : [])
  try {
    await server.start()
    return Object.assign(server, { port })
  } catch (error) {
    await server.stop()
    // Another process may have taken the port in the meantime.
    if (String(error).includes('Address already in use')) return startNode(node, sentinel)
    throw error
  }
}

const tlsArguments = ({ cert, key, ca }: NonNullable<NodeOptions['tls']>) => ({
  'tls-cert-file': cert,
  'tls-key-file': key,
  'tls-ca-cert-file': ca,
  'tls-auth-clients': 'no',
  'tls-replication': 'yes',
  'tls-cluster': 'yes',
})
