import { constants } from 'node:os'
import type { ErrorKind, ShoalError } from '../../protocol/errors.ts'

/** The exit status of each kind of error. Scripts depend on it (README, docs/errors.md). */
export const EXIT_CODES: Readonly<Record<ErrorKind, number>> = {
  unexpected: 1,
  usage: 2,
  auth: 3,
  forbidden: 4,
  'not-found': 5,
  conflict: 6,
  unreachable: 7,
  'no-peer': 8,
  integrity: 9,
  storage: 10,
  busy: 11,
}

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** 128 plus the signal's number, as shells report it: 130 for Ctrl-C, 143 for SIGTERM. */
export function signalExitCode(signal: StopSignal): number {
  return 128 + constants.signals[signal]
}

/** The exit status of an error. An INTERRUPTED error has the signal as its cause (cli/process/interrupt.ts). */
export function exitCode(error: ShoalError): number {
  if (error.code !== 'INTERRUPTED') return EXIT_CODES[error.kind]
  return signalExitCode(isStopSignal(error.cause) ? error.cause : 'SIGINT')
}

function isStopSignal(cause: unknown): cause is StopSignal {
  return cause === 'SIGINT' || cause === 'SIGTERM' || cause === 'SIGHUP'
}
