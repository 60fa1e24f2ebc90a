import { useEffect, useMemo, useState } from 'preact/hooks'
import { backOff, pause } from '../back-off.js'
import { Unreachable } from '../client.js'
import { FeedProvider, useShell } from '../context.js'
import { counted, sentence } from '../format.js'
import { html } from '../html.js'
import { Heading, Problem } from '../parts.js'
import { FileView } from './file.js'
import { GroupView } from './group.js'

/** Files published within this time are announced in one sentence. */
const GATHER_MS = 1000

/**
 * One group's views. Its event stream keeps them up to date while the user is a member.
 * @param {{ group: string, name: string | null }} props
 */
export function GroupScope({ group, name }) {
  const { client, user, say } = useShell()
  const [refusal, setRefusal] = useState(/** @type {Error | null} */ (null))
  const feed = useMemo(makeFeed, [group])

  useEffect(() => {
    const stop = new AbortController()
    follow(client, group, stop.signal, feed.tell).catch((error) => {
      if (!stop.signal.aborted) setRefusal(error)
    })
    return () => stop.abort()
  }, [client, group, feed])
  useEffect(() => speak(feed, user, say), [feed, user, say])

  if (refusal)
    return html`<${Heading} title=${group} back=${{ href: '#/', text: 'Groups' }} />
      <${Problem}>${goneSentence(group, refusal)}<//>`
  return html`<${FeedProvider} value=${feed}>
    ${name === null ? html`<${GroupView} group=${group} />` : html`<${FileView} key=${name} group=${group} name=${name} />`}
  <//>`
}

/**
 * @param {string} group
 * @param {Error} refusal
 */
function goneSentence(group, refusal) {
  const { code, message } = /** @type {import('../client.js').Refused} */ (refusal)
  if (code === 'NOT_A_MEMBER') return `You are not, or no longer, a member of ${group}.`
  if (code === 'GROUP_NOT_FOUND') return `The group ${group} does not exist, or no longer exists.`
  return sentence(message)
}

function makeFeed() {
  /** @type {Set<(event: import('../context.js').FeedEvent) => void>} */
  const listeners = new Set()
  return {
    /** @param {(event: import('../context.js').FeedEvent) => void} listener */
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    /** @param {import('../context.js').FeedEvent} event */
    tell(event) {
      for (const listener of listeners) listener(event)
    },
  }
}

/**
 * Follows the group until the signal aborts, across lost connections. After each break it asks again to learn
 * the cause. Throws the tracker's refusal of the stream.
 * @param {import('../client.js').Client} client
 * @param {string} group
 * @param {AbortSignal} signal
 * @param {(event: import('../context.js').FeedEvent) => void} tell
 */
async function follow(client, group, signal, tell) {
  let failures = 0
  while (!signal.aborted) {
    try {
      await client.events(group, signal, {
        onOpen() {
          failures = 0
          tell({ type: 'open' })
        },
        onEvent: tell,
      })
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error
    }
    await pause(backOff(++failures, Math.random()), signal)
  }
}

/**
 * Makes a screen reader say what changes.
 * @param {import('../context.js').Feed} feed
 * @param {string} user
 * @param {(text: string) => void} say
 */
function speak(feed, user, say) {
  /** @type {string[]} */
  let published = []
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  const tellPublished = () => {
    const [first, ...more] = published
    published = []
    timer = undefined
    say(more.length > 0 ? `${counted(more.length + 1, 'file')} published.` : `${first} is published.`)
  }
  const unsubscribe = feed.subscribe((event) => {
    if (event.type === 'member.requested') say(`${event.user} asks to join.`)
    else if (event.type === 'member.accepted' && event.by !== user) say(`${event.users.join(', ')} joined.`)
    else if (event.type === 'file.published') {
      published.push(`${event.file.name}, version ${event.file.version},`)
      timer ??= setTimeout(tellPublished, GATHER_MS)
    }
  })
  return () => {
    unsubscribe()
    clearTimeout(timer)
  }
}
