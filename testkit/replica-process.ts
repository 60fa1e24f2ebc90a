import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const SHOAL = join(import.meta.dirname, '../bin/shoal')

/** A tracker replica in its own process, so that a test can kill and stop it. */
export class ReplicaProcess {
  /** Stays the same after a restart. */
  readonly url: string
  readonly #redis: string
  readonly #home: string
  #child: ChildProcess

  private constructor(url: string, redis: string, home: string, child: ChildProcess) {
    this.url = url
    this.#redis = redis
    this.#home = home
    this.#child = child
  }

  static async start(redis: string): Promise<ReplicaProcess> {
    const home = await mkdtemp(join(tmpdir(), 'shoal-replica-'))
    const { child, url } = await launch(redis, home, '127.0.0.1:0')
    return new ReplicaProcess(url, redis, home, child)
  }

  /** Restarts an ended replica at its old address. Resolves once it is ready. */
  async restart(): Promise<void> {
    this.#child = (await launch(this.#redis, this.#home, new URL(this.url).host)).child
  }

  get pid(): number {
    return this.#child.pid!
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill(signal)
    await gone
  }

  async stop(): Promise<void> {
    await this.end('SIGKILL')
    await rm(this.#home, { recursive: true, force: true })
  }
}

async function launch(
  redis: string,
  home: string,
  listen: string,
): Promise<{ child: ChildProcess; url: string }> {
  const words = ['tracker', 'start', '--listen', listen, '--redis', redis, '--data', home]
  const outside = Object.entries(process.env).filter(([name]) => !/^(SHOAL_|NODE_ENV$)/.test(name))
  const env = { ...Object.fromEntries(outside), SHOAL_HOME: home }
  const child = spawn(SHOAL, words, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr?.on('data', (text) => {
    errors = (errors + text).slice(-4000)
  })
  for await (const line of createInterface({ input: child.stdout! })) {
    child.stdout?.resume()
    return { child, url: (JSON.parse(line) as { url: string }).url }
  }
  throw new Error(`the replica did not start: ${errors}`)
}
