import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { backOff } from './back-off.js'
import { Unreachable } from './client.js'
import { useFeed } from './context.js'

/** Merges loads that follow one another closely: somebody may publish a thousand files at once. */
const PAUSE_MS = 300

/**
 * @template T
 * @typedef {{ data: T | null, error: Error | null }} Loaded The last data, and why it is not the newest.
 */

/**
 * Keeps the answer of `load` up to date. Loads again when `deps` change, every `every` milliseconds while the
 * page is visible, and on group changes for which `when` is true. Without an answer it keeps the data and
 * retries later; on a refusal it drops the data.
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
    timer = setTimeout(reload, ms)
  }

  function reload() {
    run().catch((/** @type {Error} */ error) => show(() => ({ data: null, error })))
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

  /** Returns the milliseconds until the next load, 0 for none. */
  async function attempt() {
    // Stop while the page is hidden; becoming visible starts it again.
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
    if (!document.hidden) reload()
  }
  document.addEventListener('visibilitychange', onVisible)
  reload()
  return {
    reload,
    stop() {
      stopped.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', onVisible)
    },
  }
}
