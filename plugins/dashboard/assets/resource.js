import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { backOff } from './back-off.js'
import { Unreachable } from './client.js'
import { useFeed } from './context.js'

/** Loads that follow one another closely are one: a thousand files may be published at once. */
const PAUSE_MS = 300

/**
 * @template T
 * @typedef {{ data: T | null, error: Error | null }} Loaded What was loaded last, and why that is not the newest.
 */

/**
 * What `load` answers, kept new: loaded again when `deps` change, each `every` milliseconds while somebody looks,
 * and at those changes of the group that `when` is true for. An answer that does not come leaves what is there,
 * and is asked for again after a while; a refusal takes it away.
 *
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {readonly unknown[]} deps
 * @param {{ every?: number, when?: (event: import('./client.js').GroupEvent) => boolean }} [options]
 * @returns {Loaded<T> & { reload: () => void }}
 */
export function useResource(load, deps, { every = 0, when } = {}) {
  const feed = useFeed()
  const [loaded, setLoaded] = useState(/** @type {Loaded<T>} */ ({ data: null, error: null }))
  const again = useRef(() => {})

  useEffect(() => {
    const resource = keepNew(load, every, setLoaded)
    again.current = resource.reload
    const unsubscribe = feed?.subscribe((event) => {
      if (event.type === 'open' || when?.(event)) resource.reload()
    })
    return () => {
      unsubscribe?.()
      resource.stop()
    }
  }, [feed, every, ...deps])

  const reload = useCallback(() => again.current(), [])
  return { ...loaded, reload }
}

/**
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {number} every
 * @param {(change: (before: Loaded<T>) => Loaded<T>) => void} show
 */
function keepNew(load, every, show) {
  const stopped = new AbortController()
  const { signal } = stopped
  let failures = 0
  let isRunning = false
  let isWanted = false
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer

  const after = (/** @type {number} */ ms) => {
    clearTimeout(timer)
    timer = setTimeout(run, ms)
  }

  async function run() {
    clearTimeout(timer)
    if (signal.aborted) return
    isWanted = isRunning
    if (isRunning) return
    isRunning = true
    const waitMs = await attempt()
    isRunning = false
    if (signal.aborted) return
    if (isWanted) after(PAUSE_MS)
    else if (waitMs > 0) after(waitMs)
  }

  /** Returns the milliseconds until the next, 0 for none. */
  async function attempt() {
    // Nobody looks: that it is looked at again wakes it.
    if (document.hidden && failures === 0 && every > 0) return 0
    try {
      const data = await load(signal)
      failures = 0
      if (!signal.aborted) show(() => ({ data, error: null }))
      return every
    } catch (error) {
      if (signal.aborted) return 0
      const passes = error instanceof Unreachable
      failures = passes ? failures + 1 : 0
      show(({ data }) => ({ data: passes ? data : null, error: /** @type {Error} */ (error) }))
      return passes ? backOff(failures, Math.random()) : every
    }
  }

  const onVisible = () => {
    if (!document.hidden) run()
  }
  document.addEventListener('visibilitychange', onVisible)
  run()
  return {
    reload: run,
    stop() {
      stopped.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', onVisible)
    },
  }
}
