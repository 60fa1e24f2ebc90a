import { ShoalError } from '../../protocol/errors.ts'
import type { GroupEvent } from '../../protocol/records.ts'
import { isUnavailable } from '../database.ts'
import type { GroupFeed } from './group-feed.ts'
import { type Position, positionOf, type StreamEntry } from './group-stream.ts'

/** Events kept for a slow reader. Beyond that, it reads the stream again. */
const INBOX = 1000

/**
 * The group's events after `revision`, each once and in order, until `signal` aborts. A Redis outage only delays
 * them. Throws REVISION_TOO_OLD if the stream no longer goes back that far.
 */
export async function* follow(
  feed: GroupFeed,
  group: string,
  revision: number,
  signal: AbortSignal,
): AsyncGenerator<GroupEvent> {
  let position: Position = { revision, text: null }
  let inbox: StreamEntry[] = []
  let behind = true
  let wake = (): void => {}
  const fallBehind = (): void => {
    inbox = []
    behind = true
    wake()
  }
  const stop = await feed.watch(group, {
    event(entry) {
      if (inbox.push(entry) > INBOX) fallBehind()
      else wake()
    },
    // While events are queued, the reader advances or finds the gap itself.
    revision: (now) => {
      if (behind || (inbox.length === 0 && now !== position.revision)) fallBehind()
    },
    doubt: fallBehind,
  })
  const onAbort = (): void => wake()
  signal.addEventListener('abort', onAbort)
  try {
    while (!signal.aborted) {
      if (behind) {
        behind = false
        const entries = await feed.read(group, position).catch(onlyOutage)
        if (typeof entries === 'string') throw tooOld(group, position.revision)
        if (entries === undefined) behind = true
        for (const entry of entries ?? []) {
          if (signal.aborted) return
          position = positionOf(entry)
          yield entry.event
        }
      }
      const next = inbox.shift()
      if (next === undefined) {
        if (behind || !signal.aborted)
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      } else if (next.event.revision === position.revision + 1) {
        position = positionOf(next)
        yield next.event
      } else if (next.event.revision > position.revision) fallBehind()
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    stop()
  }
}

function onlyOutage(error: unknown): undefined {
  if (!isUnavailable(error)) throw error
}

function tooOld(group: string, revision: number): ShoalError {
  return new ShoalError(
    'REVISION_TOO_OLD',
    `the changes of ${group} after revision ${revision} are no longer kept`,
    {
      hint: 'read the group again and follow it from the revision in the answer',
    },
  )
}
