import { createContext } from 'preact'
import { useContext } from 'preact/hooks'

/**
 * The tools of every signed-in view.
 *
 * @typedef {object} Shell
 * @property {import('./client.js').Client} client
 * @property {string} user
 * @property {(text: string) => void} say makes a screen reader say it after what it is saying
 */

const ShellContext = createContext(/** @type {Shell | null} */ (null))
export const ShellProvider = ShellContext.Provider

/** @returns {Shell} */
export function useShell() {
  const shell = useContext(ShellContext)
  if (!shell) throw new Error('useShell needs a ShellProvider')
  return shell
}

/**
 * A group's changes, for views inside GroupScope; null elsewhere.
 *
 * @typedef {{ type: 'open' } | import('./client.js').GroupEvent} FeedEvent
 * @typedef {{ subscribe(listener: (event: FeedEvent) => void): () => void }} Feed
 */
const FeedContext = createContext(/** @type {Feed | null} */ (null))
export const FeedProvider = FeedContext.Provider
export const useFeed = () => useContext(FeedContext)
