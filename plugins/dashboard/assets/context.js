import { createContext } from 'preact'
import { useContext } from 'preact/hooks'

/**
 * What every view of somebody who is signed in works with.
 *
 * @typedef {object} Shell
 * @property {import('./client.js').Client} client
 * @property {string} user
 * @property {(text: string) => void} say has a screen reader say it, when it has said what it is saying
 */

const ShellContext = createContext(/** @type {Shell | null} */ (null))
export const ShellProvider = ShellContext.Provider

/** @returns {Shell} */
export function useShell() {
  const shell = useContext(ShellContext)
  if (!shell) throw new Error('a view outside of the page')
  return shell
}

/**
 * A group's changes, for what lies below GroupScope. Nothing outside of it.
 *
 * @typedef {{ type: 'open' } | import('./client.js').GroupEvent} FeedEvent
 * @typedef {{ subscribe(listener: (event: FeedEvent) => void): () => void }} Feed
 */
const FeedContext = createContext(/** @type {Feed | null} */ (null))
export const FeedProvider = FeedContext.Provider
export const useFeed = () => useContext(FeedContext)
