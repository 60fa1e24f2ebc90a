import { encodeError, ShoalError, type WireError } from '../../../protocol/errors.ts'

/** The outcome of an extent: chunks in the part file that were not reported before, and the error. */
export interface ExtentOutcome {
  chunks: number[]
  error: ExtentFailure | null
}

/** An error that can travel between processes. */
export interface ExtentFailure extends WireError {
  /** The side that failed: the remote peer, or this side's storage in a write or a sync. */
  at: 'peer' | 'write' | 'sync'
}

export function failureAt(at: ExtentFailure['at'], error: Error): ExtentFailure {
  return { ...encodeError(error), at }
}

/** The outcome of a job that ended with an unknown error instead of an outcome. */
export function failedOutcome(message: string): ExtentOutcome {
  return { chunks: [], error: failureAt('peer', new Error(message)) }
}

/** The failure of a fetch thread. Storage errors are this side's: a peer's storage errors have other codes. */
export function fetchFailure(error: Error): ExtentFailure {
  return failureAt(error instanceof ShoalError && error.kind === 'storage' ? 'write' : 'peer', error)
}
