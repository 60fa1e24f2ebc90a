import type { Redis } from 'ioredis'

/** A timer that fires late by this share of its time tells that this process did not run, and nothing of Redis. */
const STALLED = 0.5
/** In a row: a process that is always late must not wait for ever. */
const MOST_STALLS = 3

/** What ioredis does with `socketTimeout` set: it calls `setSocketTimeout` when a command is sent and no timer runs. */
interface Watched {
  stream: NodeJS.ReadableStream & { destroy(error: Error): void }
  socketTimeoutTimer: NodeJS.Timeout | undefined
  commandQueue: { length: number }
  setSocketTimeout(): void
}

/**
 * Makes a connection that has `socketTimeout` set, of `limitMs`, give up only where Redis has been silent for so
 * long while this process ran. ioredis's own timer goes off first after a pause of the whole process (a loaded or
 * suspended machine), when the answers have long been there to be read: all commands under way failed then.
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
        // After the timers of this turn of the event loop comes what has arrived, and then what is said here.
        setImmediate(() => {
          if (answered || watched.stream !== stream) return
          if (stalled && ++stalls <= MOST_STALLS) return wait()
          watched.socketTimeoutTimer = undefined
          stream.destroy(new Error(`Redis was silent for ${limitMs} ms`))
        })
      }, limitMs)
    }
    // After ioredis's listener, which takes the answered commands off the queue.
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
