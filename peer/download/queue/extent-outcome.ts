import { encodeError, ShoalError, type WireError } from '../../../protocol/errors.ts'

/** How the fetch of an extent ended: the chunks that are in the part file and were not reported before, and the error. */
export interface ExtentOutcome {
  chunks: number[]
  error: ExtentFailure | null
}

/** An error that can travel between processes. */
export interface ExtentFailure extends WireError {
  /** Who failed: the remote peer, or this side's storage in a write or a sync. */
  at: 'peer' | 'write' | 'sync'
}

export function failureAt(at: ExtentFailure['at'], error: Error): ExtentFailure {
  return { ...encodeError(error), at }
}

/** The failure of a fetch thread. Storage errors are this side's; a peer's own come under other codes. */
export function fetchFailure(error: Error): ExtentFailure {
  return failureAt(error instanceof ShoalError && error.kind === 'storage' ? 'write' : 'peer', error)
}
