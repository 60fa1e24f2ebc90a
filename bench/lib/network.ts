import { execFileSync } from 'node:child_process'
import { cleanly } from './on-signal.ts'

/** Bits per second. */
export interface HostRates {
  up: number
  down: number
}

const BURST = '256kb'
const QUEUE = '100ms'

/**
 * Hosts on one bridge, each in a network namespace with its own rates (tc-tbf(8)). Names and addresses
 * contain this process's id, so that parallel runs do not collide. Needs root.
 */
export class Network {
  readonly #id = process.pid
  readonly #subnet: string
  readonly #hosts: number

  private constructor(hosts: number) {
    this.#hosts = hosts
    this.#subnet = `10.${100 + (this.#id % 100)}.${Math.floor(this.#id / 100) % 250}`
  }

  /** Runs `use` with one host per entry of `rates`, then removes the network, even after a failure. */
  static async with(rates: readonly HostRates[], use: (network: Network) => Promise<void>): Promise<void> {
    const network = new Network(rates.length)
    const live = async (): Promise<void> => {
      network.#up(rates)
      await use(network)
    }
    await cleanly(live, () => network.#down())
  }

  /** This process's address, as the hosts see it. */
  get gateway(): string {
    return `${this.#subnet}.1`
  }

  address(host: number): string {
    return `${this.#subnet}.${10 + host}`
  }

  /** A command prefix that runs a command on the host. */
  on(host: number): string[] {
    return ['ip', 'netns', 'exec', this.#namespace(host)]
  }

  /** Bytes that the host has sent, including headers. */
  sent(host: number): number {
    const [link] = JSON.parse(run('ip', '-json', '-n', this.#namespace(host), '-s', 'link', 'show', 'eth0'))
    return (link as { stats64: { tx: { bytes: number } } }).stats64.tx.bytes
  }

  #up(rates: readonly HostRates[]): void {
    const bridge = this.#bridge
    run('ip', 'link', 'add', bridge, 'type', 'bridge')
    run('ip', 'addr', 'add', `${this.gateway}/24`, 'dev', bridge)
    run('ip', 'link', 'set', bridge, 'up')
    for (const [host, { up, down }] of rates.entries()) {
      const [namespace, port] = [this.#namespace(host), this.#port(host)]
      run('ip', 'netns', 'add', namespace)
      run('ip', 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
      run('ip', 'link', 'set', port, 'master', bridge, 'up')
      run('ip', '-n', namespace, 'addr', 'add', `${this.address(host)}/24`, 'dev', 'eth0')
      for (const link of ['eth0', 'lo']) run('ip', '-n', namespace, 'link', 'set', link, 'up')
      const shape = (rate: number): string[] => ['rate', `${rate}bit`, 'burst', BURST, 'latency', QUEUE]
      run('tc', '-n', namespace, 'qdisc', 'replace', 'dev', 'eth0', 'root', 'tbf', ...shape(up))
      run('tc', 'qdisc', 'replace', 'dev', port, 'root', 'tbf', ...shape(down))
    }
  }

  #down(): void {
    const quietly = (...words: string[]): void => {
      try {
        run('ip', ...words)
      } catch {
        // It may never have been made.
      }
    }
    for (let host = 0; host < this.#hosts; host++) {
      quietly('link', 'del', this.#port(host))
      quietly('netns', 'del', this.#namespace(host))
    }
    quietly('link', 'del', this.#bridge)
  }

  // Link names have at most fifteen characters.
  get #bridge(): string {
    return `shoal-${this.#id}`
  }

  #port(host: number): string {
    return `sh${this.#id}-${host}`
  }

  #namespace(host: number): string {
    return `shoal-${this.#id}-${host}`
  }
}

function run(program: string, ...words: string[]): string {
  return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
