import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { ShoalError } from '../protocol/errors.ts'
import type { RedisClient } from '../redis/connect.ts'
import { scriptError } from './script-errors.ts'
import { loadScripts } from './scripts.ts'

/** Error replies by which Redis says that it cannot serve right now. */
const NOT_NOW =
  /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|OOM|MISCONF|BUSY|UNKILLABLE|NOAUTH|WRONGPASS|NOPERM)\b/

type ScriptCommand = (...args: (string | number | Buffer)[]) => Promise<[code: string, answer: string]>

/**
 * The connection for commands. Every reason why Redis does not answer becomes STORE_UNAVAILABLE; other error replies
 * are our bugs and pass unchanged.
 */
export class Database {
  readonly #redis: RedisClient
  #gathering = false

  constructor(redis: RedisClient) {
    this.#redis = redis
    for (const { name, keys, lua } of loadScripts()) redis.defineCommand(name, { numberOfKeys: keys, lua })
  }

  async ask<T>(command: (redis: RedisClient) => Promise<T>): Promise<T> {
    try {
      // A cluster client without nodes would queue the command.
      if (this.#redis.status !== 'ready') throw new Error('not connected')
      this.#gather()
      return await command(this.#redis)
    } catch (error) {
      throw storeError(error)
    }
  }

  /** Sends all commands of one turn of the event loop in one write: each write costs a system call. */
  #gather(): void {
    // A cluster client chooses a connection per command, later.
    if (this.#gathering || !(this.#redis instanceof Redis)) return
    this.#gathering = true
    const { stream } = this.#redis
    stream.cork()
    setImmediate(() => {
      this.#gathering = false
      stream.uncork()
    })
  }

  /** Runs a script and returns its answer (JSON). `subject` is the group or user that its error names. */
  async run(
    script: string,
    keys: string[],
    args: (string | number | Buffer)[],
    subject: string,
  ): Promise<string> {
    const [code, answer] = await this.ask((redis) => {
      const command = (redis as unknown as Record<string, ScriptCommand>)[script]
      if (command === undefined) throw new Error(`unknown script ${script}`)
      return command.call(redis, ...keys, ...args)
    })
    if (code !== 'OK') throw scriptError(code, answer, subject)
    return answer
  }
}

export function storeError(error: unknown): unknown {
  if (error instanceof ShoalError) return error
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof Error && error.name === 'ReplyError' && !NOT_NOW.test(message)) return error
  return new ShoalError('STORE_UNAVAILABLE', `the metadata store does not answer: ${message}`, {
    hint: 'try again in a moment; if it still fails, check that Redis is running and has free memory',
    cause: error,
  })
}

const PATIENCE_MS = 5000
const RETRY_MS = 50

/**
 * Retries for five seconds while Redis does not answer. Meant for start-up, where a tracker should survive a short
 * stall; requests fail at once instead.
 */
export async function untilRedisAnswers<T>(work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const mapped = storeError(error)
      if (!isUnavailable(mapped) || performance.now() > deadline) throw mapped
      await delay(RETRY_MS)
    }
  }
}

/** Swallows STORE_UNAVAILABLE, for work that may be skipped during an outage. Rethrows every other error. */
export function tolerateOutage(error: unknown): void {
  if (!isUnavailable(error)) throw error
}

export const isUnavailable = (error: unknown): boolean =>
  error instanceof ShoalError && error.code === 'STORE_UNAVAILABLE'
