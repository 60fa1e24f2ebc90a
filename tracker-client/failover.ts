import { setTimeout as delay } from 'node:timers/promises'
import { backOff } from '../protocol/back-off.ts'
import { ShoalError } from '../protocol/errors.ts'
import type { FailoverHistory } from './failover-state.ts'

/** Time limit of the first round with several trackers: short, so that a dead one costs less than two seconds. */
const SHORT_LIMIT_MS = 1500
const LONG_LIMIT_MS = 10_000
/** Waits between rounds while the fleet's Redis is away. */
const FIRST_WAIT_MS = 500
const LAST_WAIT_MS = 2000

/** A failure of one tracker that another tracker may not share. */
export class TryNext extends Error {
  readonly tracker: string
  readonly why: string
  /** The error for the user if no tracker does better. Null if this one did not answer at all. */
  readonly report: ShoalError | null
  /** Whether asking the same tracker again may help. */
  readonly again: boolean

  constructor(
    tracker: string,
    why: string,
    options: { report?: ShoalError; again?: boolean; cause?: unknown } = {},
  ) {
    super(`${tracker}: ${why}`, { cause: options.cause })
    this.tracker = tracker
    this.why = why
    this.report = options.report ?? null
    this.again = options.again ?? false
  }

  static badAnswer(
    tracker: string,
    why: string,
    options: { again?: boolean; cause?: unknown } = {},
  ): TryNext {
    const report = new ShoalError('TRACKER_BAD_ANSWER', `unusable answer from ${tracker}: ${why}`, {
      hint: 'check that --tracker (SHOAL_TRACKER) names a Shoal tracker of this version',
    })
    return new TryNext(tracker, why, { ...options, report })
  }
}

/**
 * Calls `attempt` with one tracker after another until one answers: a round with a short time limit, then one with a long
 * limit for those that may still do better. While trackers answer that their Redis is away, more rounds follow for up to
 * `patienceMs`, because a failover takes a few seconds. An attempt throws TryNext to continue, and anything else to end.
 * Throws the error of the last tracker that answered, else TRACKER_UNREACHABLE.
 */
export async function askTrackers<T>(
  trackers: readonly string[],
  memory: FailoverHistory,
  attempt: (tracker: string, limitMs: number) => Promise<T>,
  patienceMs = 0,
): Promise<T> {
  const giveUp = performance.now() + patienceMs
  for (let failures = 1; ; failures++) {
    const outcome = await askOnce(trackers, memory, attempt)
    if ('result' in outcome) return outcome.result
    const error = verdict(outcome.faults)
    const waitMs = backOff(failures, FIRST_WAIT_MS, LAST_WAIT_MS, Math.random())
    if (error.code !== 'STORE_UNAVAILABLE' || performance.now() + waitMs > giveUp) throw error
    await delay(waitMs)
  }
}

async function askOnce<T>(
  trackers: readonly string[],
  memory: FailoverHistory,
  attempt: (tracker: string, limitMs: number) => Promise<T>,
): Promise<{ result: T } | { faults: TryNext[] }> {
  const faults = new Map<string, TryNext>()
  const rounds = trackers.length === 1 ? [LONG_LIMIT_MS, LONG_LIMIT_MS] : [SHORT_LIMIT_MS, LONG_LIMIT_MS]
  for (const limitMs of rounds) {
    for (const tracker of memory.order(trackers, Date.now())) {
      if (faults.get(tracker)?.again === false) continue
      try {
        const result = await attempt(tracker, limitMs)
        memory.answered(tracker)
        return { result }
      } catch (error) {
        if (!(error instanceof TryNext)) throw error
        faults.set(tracker, error)
        memory.failed(tracker, Date.now())
      }
    }
  }
  return { faults: [...faults.values()] }
}

function verdict(faults: readonly TryNext[]): ShoalError {
  const reports = faults.flatMap((fault) => fault.report ?? [])
  const best = reports.find((report) => report.code !== 'TRACKER_BAD_ANSWER') ?? reports[0]
  if (best) return best
  const tried = faults.map((fault) => `${fault.tracker} (${fault.why})`).join(', ')
  return new ShoalError(
    'TRACKER_UNREACHABLE',
    tried ? `no tracker answers: ${tried}` : 'no tracker is configured',
    {
      hint: 'is a tracker running? start one with `shoal tracker start`, or name one with --tracker or SHOAL_TRACKER',
    },
  )
}
