import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { ShoalError } from '../protocol/errors.ts'
import type { RedisClient } from '../redis/connect.ts'
import { refusal } from './script-errors.ts'
import { loadScripts } from './scripts.ts'

/** Replies by which Redis says that it cannot serve now, though it answers. */
const NOT_NOW =
  /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|OOM|MISCONF|BUSY|UNKILLABLE|NOAUTH|WRONGPASS|NOPERM)\b/

type ScriptCommand = (...args: (string | number | Buffer)[]) => Promise<[code: string, answer: string]>

/**
 * The connection for commands, with one way to fail: whatever keeps Redis from answering becomes
 * STORE_UNAVAILABLE. Other error replies are faults of ours and stay as they are.
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
      // Without its nodes a cluster's client would keep the command for later.
      if (this.#redis.status !== 'ready') throw new Error('not connected')
      this.#gather()
      return await command(this.#redis)
    } catch (error) {
      throw storeError(error)
    }
  }

  /** Sends what is asked in one turn of the event loop in one write, each of which costs a system call. */
  #gather(): void {
    // A cluster's client chooses the connection later, for each command.
    if (this.#gathering || !(this.#redis instanceof Redis)) return
    this.#gathering = true
    const { stream } = this.#redis
    stream.cork()
    setImmediate(() => {
      this.#gathering = false
      stream.uncork()
    })
  }

  /** Runs a script; `subject` is the group or user that a refusal speaks of. Returns the answer (JSON). */
  async run(
    script: string,
    keys: string[],
    args: (string | number | Buffer)[],
    subject: string,
  ): Promise<string> {
    const [code, answer] = await this.ask((redis) => {
      const command = (redis as unknown as Record<string, ScriptCommand>)[script]
      if (command === undefined) throw new Error(`there is no script ${script}`)
      return command.call(redis, ...keys, ...args)
    })
    if (code !== 'OK') throw refusal(code, answer, subject)
    return answer
  }
}

export function storeError(error: unknown): unknown {
  if (error instanceof ShoalError) return error
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof Error && error.name === 'ReplyError' && !NOT_NOW.test(message)) return error
  return new ShoalError('STORE_UNAVAILABLE', `the metadata store does not answer: ${message}`, {
    hint: 'try again in a moment; if it stays away, check that Redis is running and has memory left',
    cause: error,
  })
}

const PATIENCE_MS = 5000
const RETRY_MS = 50

/**
 * Does again what Redis did not answer, for five seconds: who asks a tracker does not wait for that long, but a
 * tracker that starts while Redis stalls for a moment does.
 */
export async function untilRedisAnswers<T>(work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const told = storeError(error)
      if (!isUnavailable(told) || performance.now() > deadline) throw told
      await delay(RETRY_MS)
    }
  }
}

/** For work that may be left undone while Redis is away: passes on all other errors. */
export function tolerateOutage(error: unknown): void {
  if (!isUnavailable(error)) throw error
}

export const isUnavailable = (error: unknown): boolean =>
  error instanceof ShoalError && error.code === 'STORE_UNAVAILABLE'
