import { ShoalError } from '../../protocol/errors.ts'
import { type StopSignal, signalExitCode } from './exit-codes.ts'

const SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * How Ctrl-C and SIGTERM end a command. A command without anything to clean up is abandoned. One that cleans up takes over,
 * and ends by itself once `signal` aborts. A second signal ends the process at once.
 */
class Interrupt {
  readonly #controller = new AbortController()
  #received: StopSignal | null = null
  #takenOver = false

  /** Aborts with an INTERRUPTED error as its reason. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The exit status of a command that a signal ended cleanly, or null if no signal came. */
  get exitCode(): number | null {
    return this.#received === null ? null : signalExitCode(this.#received)
  }

  listen(): void {
    for (const name of SIGNALS) process.on(name, () => this.#receive(name))
  }

  /** From now on the command reacts to the signal itself: it cleans up and ends. */
  takeOver(): void {
    this.#takenOver = true
  }

  /** Resolves like `work`, or throws INTERRUPTED if a signal comes first and the command has not taken over. */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(resolve, reject)
      this.signal.addEventListener('abort', () => {
        if (!this.#takenOver) reject(this.signal.reason)
      })
    })
  }

  /** Resolves when a signal comes. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) resolve()
      this.signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  #receive(name: StopSignal): void {
    if (this.#received !== null) process.exit(signalExitCode(name))
    this.#received = name
    this.#controller.abort(interrupted(name))
  }
}

export const interrupt = new Interrupt()

export function interrupted(signal: StopSignal): ShoalError {
  return new ShoalError('INTERRUPTED', `stopped by ${signal === 'SIGINT' ? 'Ctrl-C' : signal}`, {
    cause: signal,
  })
}
