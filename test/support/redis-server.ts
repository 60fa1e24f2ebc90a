import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findRedisServer } from '../../redis/binary.ts'
import { connectRedis, unixUrl } from '../../redis/connect.ts'
import { requireRedis } from '../../redis/version.ts'

/** A real Redis of the test's own, on a unix socket in a temporary folder, with an append-only file. */
export class TestRedis {
  readonly url: string
  readonly #folder: string
  #server: ChildProcess | null = null

  private constructor(folder: string) {
    this.#folder = folder
    this.url = unixUrl(join(folder, 'redis.sock'))
  }

  static async start(): Promise<TestRedis> {
    const redis = new TestRedis(await mkdtemp(join(tmpdir(), 'shoal-redis-')))
    await redis.start()
    return redis
  }

  /** Starts the server, again after `kill`, on the same data. Resolves once it answers. */
  async start(): Promise<void> {
    const options = {
      port: '0',
      unixsocket: join(this.#folder, 'redis.sock'),
      dir: this.#folder,
      save: '',
      appendonly: 'yes',
    }
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
    this.#server = spawn(findRedisServer(), args, { stdio: 'ignore' })
    const connection = connectRedis(this.url, 'queue')
    try {
      await requireRedis(connection, this.url, 10_000)
    } finally {
      connection.disconnect()
    }
  }

  /** Stops the server from answering, with its connections open. */
  freeze(): void {
    this.#server?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#server?.kill('SIGCONT')
  }

  /** Ends the server at once, as a crash does. */
  async kill(): Promise<void> {
    const server = this.#server
    this.#server = null
    if (server === null) return
    const exit = once(server, 'exit')
    server.kill('SIGKILL')
    await exit
  }

  async stop(): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
