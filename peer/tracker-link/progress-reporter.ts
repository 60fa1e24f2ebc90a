import { setTimeout as delay } from 'node:timers/promises'
import type { Background } from '../../packed/background.ts'
import { backOff } from '../../protocol/back-off.ts'
import { ShoalError } from '../../protocol/errors.ts'
import type { FileProgress } from '../../protocol/records.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'

/** Between looks at what moves, until a tracker says otherwise. */
const LOOK_MS = 2000
/** What has not changed is said again after this, before the tracker forgets it. */
const REPEAT_MS = 3500
/** After failures: also of a tracker that is older than this peer and knows no reports. */
const LAST_RETRY_MS = 60_000

/**
 * Tells the tracker what this peer moves, for the pictures of its swarms: while something moves, and once when
 * nothing does any more. Whatever fails here harms nothing but the picture.
 */
export class ProgressReporter {
  readonly #client: Pick<TrackerClient, 'progress'>
  readonly #peer: string
  readonly #moving: (now: number) => FileProgress[]
  readonly #failed: (error: unknown) => void
  readonly #stop = new AbortController()
  /** The last report that arrived, and when. */
  #said = '[]'
  #saidAt = 0

  /** `moving` tells what moves at a time of performance.now(). */
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

  /** Waits for no report that is on its way. */
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

  /** Milliseconds until the next look. */
  async #report(): Promise<number> {
    const now = performance.now()
    const files = this.#moving(now)
    const text = JSON.stringify(files)
    const isNews = text !== this.#said || (files.length > 0 && now - this.#saidAt > REPEAT_MS)
    if (!isNews) return LOOK_MS
    const { interval } = await this.#client.progress({ peer: this.#peer, files })
    this.#said = text
    this.#saidAt = now
    return interval * 1000
  }
}
