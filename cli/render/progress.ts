import type { ProgressEvent, ProgressListener } from '../../peer/control/api.ts'
import type { ProgressBar } from './progress-bar.ts'
import { Tally } from './tally.ts'

export type ProgressMode = 'auto' | 'bar' | 'ndjson' | 'none'

export interface ProgressRenderer {
  listener: ProgressListener
  /** Clears the bar. Call it before writing anything else to the terminal. */
  close(): void
}

const NO_PROGRESS: ProgressRenderer = { listener: () => {}, close: () => {} }

/** Renders a peer's progress events on `stream`, which is stderr. */
export async function createProgress(
  mode: ProgressMode,
  stream: NodeJS.WriteStream,
): Promise<ProgressRenderer> {
  const chosen = mode === 'auto' ? (stream.isTTY ? 'bar' : 'none') : mode
  if (chosen === 'none') return NO_PROGRESS
  if (chosen === 'ndjson') return { ...NO_PROGRESS, listener: (event) => writeLine(event, stream) }
  const { ProgressBar } = await import('./progress-bar.ts')
  return barProgress(new ProgressBar(stream))
}

/** Skips `chunk` events, which only serve `-o -`. */
function writeLine(event: ProgressEvent, stream: NodeJS.WriteStream): void {
  if (event.event !== 'chunk') stream.write(`${JSON.stringify(event)}\n`)
}

function barProgress(bar: ProgressBar): ProgressRenderer {
  const tally = new Tally()
  return {
    listener: (event) => {
      tally.add(event)
      if (event.event === 'start' || event.event === 'progress' || event.event === 'done') bar.show(tally)
    },
    close: () => bar.close(),
  }
}
