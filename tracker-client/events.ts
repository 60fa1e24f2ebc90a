import { setTimeout as delay } from 'node:timers/promises'
import { backOff } from '../protocol/back-off.ts'
import { errorFromBody, ShoalError } from '../protocol/errors.ts'
import type { GroupEvent } from '../protocol/records.ts'
import type { OpenAnswer } from './exchange.ts'
import { TryNext } from './failover.ts'
import { eventData } from './sse.ts'

/** A stream without even a heartbeat for this long is dead: trackers send one every 15 s. */
const SILENCE_MS = 40_000
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 5000

/** An open event stream, and its tracker. */
export interface EventStream {
  tracker: string
  answer: OpenAnswer
}

/**
 * The events after `since`, in order and without gaps, from whichever tracker answers. A broken stream is reopened where
 * it ended. Ends when the signal aborts; throws a tracker's refusal.
 */
export async function* followEvents(
  since: number,
  signal: AbortSignal,
  connect: (since: number) => Promise<EventStream>,
): AsyncGenerator<GroupEvent> {
  let revision = since
  let failures = 0
  while (!signal.aborted) {
    const begun = performance.now()
    try {
      const stream = await connect(revision)
      for await (const event of readEvents(stream)) {
        // Events that arrived before the signal may be queued behind this one.
        if (signal.aborted) return
        if (event.revision <= revision) continue
        revision = event.revision
        failures = 0
        yield event
      }
    } catch (error) {
      if (!signal.aborted && !isPassing(error)) throw error
    }
    // A quiet group sends no events that would prove the last stream good. Its duration proves it too.
    if (performance.now() - begun > LAST_RETRY_MS) failures = 0
    const waitMs = backOff(++failures, FIRST_RETRY_MS, LAST_RETRY_MS, Math.random())
    await delay(waitMs, undefined, { signal }).catch(() => {})
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof TryNext) return true
  return error instanceof ShoalError && (error.kind === 'unreachable' || error.kind === 'busy')
}

async function* readEvents({ tracker, answer }: EventStream): AsyncGenerator<GroupEvent> {
  try {
    for await (const data of eventData(answer.chunks(SILENCE_MS))) yield parseEvent(tracker, data)
  } finally {
    answer.close()
  }
}

function parseEvent(tracker: string, data: string): GroupEvent {
  let event: Partial<GroupEvent> | null = null
  try {
    event = JSON.parse(data)
  } catch {
    // Fall through: null is not an event either.
  }
  const error = errorFromBody(event)
  if (error) throw error
  const wellFormed =
    typeof event?.type === 'string' && typeof event.group === 'string' && Number.isSafeInteger(event.revision)
  if (!wellFormed) throw TryNext.badAnswer(tracker, 'an event is malformed')
  return event as GroupEvent
}
