import type { Redis } from 'ioredis'

/** A timer that fires late by this share of its interval shows that this process stalled, not Redis. */
const STALLED = 0.5
/** The most stalls in a row that we excuse, so that a process that is always late does not wait forever. */
const MOST_STALLS = 3

/**
 * ioredis's internals for `socketTimeout`: it calls `setSocketTimeout` when it sends a command and no timer
 * runs.
 */
interface Watched {
  stream: NodeJS.ReadableStream & { destroy(error: Error): void }
  socketTimeoutTimer: NodeJS.Timeout | undefined
  commandQueue: { length: number }
  setSocketTimeout(): void
}

/**
 * Closes a connection only if Redis has been silent for `limitMs` while this process ran; `socketTimeout`
 * must be set. After a pause of the whole process (a loaded or suspended machine), ioredis's own timer fires
 * before it reads the answers that have arrived, and fails all commands in flight.
 */
export function giveUpOnSilence(redis: Redis, limitMs: number): void {
  const watched = redis as unknown as Watched
  watched.setSocketTimeout = () => {
    const { stream } = watched
    let stalls = 0
    let answered = false
    const wait = (): void => {
      const due = performance.now() + limitMs
      watched.socketTimeoutTimer = setTimeout(() => {
        const stalled = performance.now() - due > STALLED * limitMs
        // setImmediate runs after this turn's I/O, so answers that have arrived are read first.
        setImmediate(() => {
          if (answered || watched.stream !== stream) return
          if (stalled && ++stalls <= MOST_STALLS) return wait()
          watched.socketTimeoutTimer = undefined
          stream.destroy(new Error(`Redis was silent for ${limitMs} ms`))
        })
      }, limitMs)
    }
    // Runs after ioredis's listener, which takes answered commands off the queue.
    stream.once('data', () => {
      answered = true
      if (watched.stream !== stream) return
      clearTimeout(watched.socketTimeoutTimer)
      watched.socketTimeoutTimer = undefined
      if (watched.commandQueue.length > 0) watched.setSocketTimeout()
    })
    wait()
  }
}
