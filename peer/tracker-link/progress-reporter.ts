import { setTimeout as delay } from 'node:timers/promises'
import type { Background } from '../../packed/background.ts'
import { backOff } from '../../protocol/back-off.ts'
import { ShoalError } from '../../protocol/errors.ts'
import type { FileProgress } from '../../protocol/records.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'

/** Interval of the checks, until a tracker sets another. */
const LOOK_MS = 2000
/** An unchanged report is repeated after this, before the tracker forgets it. */
const REPEAT_MS = 3500
/** Longest wait after failures, also with an older tracker that accepts no reports. */
const LAST_RETRY_MS = 60_000

/**
 * Reports this peer's transfers to the tracker, for the pictures of swarms: while there are some, and once after the
 * last. Failures affect only the pictures.
 */
export class ProgressReporter {
  readonly #client: Pick<TrackerClient, 'progress'>
  readonly #peer: string
  readonly #moving: (now: number) => FileProgress[]
  readonly #failed: (error: unknown) => void
  readonly #stop = new AbortController()
  /** The last report that arrived, and when. */
  #lastReport = '[]'
  #reportedAt = 0

  /** `moving` returns the transfers at a time of performance.now(). */
  constructor(
    client: Pick<TrackerClient, 'progress'>,
    peer: string,
    moving: (now: number) => FileProgress[],
    background: Background,
  ) {
    this.#client = client
    this.#peer = peer
    this.#moving = moving
    // The announcer reports a tracker that is away or refuses this peer.
    const isAnswer = (error: unknown): boolean => error instanceof ShoalError
    this.#failed = background.owner('reporting progress', 'pictures of swarms show older progress', isAnswer)
  }

  start(): void {
    this.#run().catch(this.#failed)
  }

  /** Does not wait for a report under way. */
  stop(): void {
    this.#stop.abort()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    let failures = 0
    let waitMs = LOOK_MS / 2
    for (;;) {
      await delay(waitMs, undefined, { signal, ref: false }).catch(() => {})
      if (signal.aborted) return
      const nextMs = await this.#report().catch(this.#failed)
      failures = nextMs === undefined ? failures + 1 : 0
      waitMs = nextMs ?? backOff(failures, LOOK_MS, LAST_RETRY_MS, Math.random())
    }
  }

  /** Returns the milliseconds until the next check. */
  async #report(): Promise<number> {
    const now = performance.now()
    const files = this.#moving(now)
    const text = JSON.stringify(files)
    const isDue = text !== this.#lastReport || (files.length > 0 && now - this.#reportedAt > REPEAT_MS)
    if (!isDue) return LOOK_MS
    const { interval } = await this.#client.progress({ peer: this.#peer, files })
    this.#lastReport = text
    this.#reportedAt = now
    return interval * 1000
  }
}
