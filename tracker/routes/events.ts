import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import Type from 'typebox'
import { ShoalError } from '../../protocol/errors.ts'
import type { GroupEvent } from '../../protocol/records.ts'
import { isUnavailable } from '../../tracker-store/database.ts'
import type { TrackerApp } from '../app.ts'
import { actorOf } from '../auth/authenticate.ts'
import type { Services } from '../services.ts'
import { InGroup, Revision, viewAsMember } from './common.ts'

const HEARTBEAT_MS = 15_000
/** How often the reader's membership is checked. */
const MEMBERSHIP_MS = 600
const HEAD = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' }

/** A group's changes as server-sent events (WHATWG HTML, 9.2), for as long as the reader is a member. */
export function eventRoutes(app: TrackerApp, { store, background, stopping }: Services): void {
  const failed = background.owner('checking readers of events', 'who lost access may read on', isUnavailable)
  app.get(
    '/groups/:group/events',
    {
      schema: {
        tags: ['groups'],
        produces: ['text/event-stream'],
        params: InGroup,
        querystring: Type.Object({ since: Type.Optional(Revision) }),
      },
    },
    async (request, reply) => {
      const { group } = request.params
      const { user, tokenHash } = actorOf(request)
      const { view } = await viewAsMember(store, request, reply, group)
      const done = new AbortController()
      const removed = new AbortController()
      const signal = AbortSignal.any([done.signal, removed.signal, stopping])
      reply.hijack()
      const { raw } = reply
      raw.on('close', () => done.abort())
      raw.writeHead(200, HEAD).write(': hello\n\n')
      // An outage ends no stream; a session that is known to be revoked does.
      const checkSession = async (): Promise<void> => {
        const session = await store.sessions.get(user, tokenHash)
        if (session === null) done.abort()
      }
      const heartbeat = setInterval(() => {
        raw.write(': still here\n\n')
        checkSession().catch(failed)
      }, HEARTBEAT_MS)
      // The event that ends a membership also ends the stream. A reader that reads nothing never reaches it, and one that
      // claims to have it already is not sent it: so the second check closes the connection.
      let isGone = false
      const checkMembership = async (): Promise<void> => {
        const now = await store.groups.view(group)
        if (now?.members.has(user)) return
        if (isGone) removed.abort()
        isGone = true
      }
      const membership = setInterval(() => checkMembership().catch(failed), MEMBERSHIP_MS)
      try {
        for await (const event of store.groups.events(group, request.query.since ?? view.revision, signal)) {
          await writeEvent(raw, event, signal)
          if (isLastFor(user, event)) break
        }
      } catch (error) {
        if (signal.aborted) return
        request.log.warn({ err: error, group }, 'an event stream failed')
        if (error instanceof ShoalError) raw.write(`event: error\ndata: ${JSON.stringify(error)}\n\n`)
      } finally {
        clearInterval(heartbeat)
        clearInterval(membership)
        if (removed.signal.aborted) raw.destroy()
        else raw.end()
      }
    },
  )
}

/** All readers of a group get the same event object, so each event is rendered once. */
const rendered = new WeakMap<GroupEvent, string>()

async function writeEvent(raw: ServerResponse, event: GroupEvent, signal: AbortSignal): Promise<void> {
  const text = rendered.get(event) ?? `id: ${event.revision}\ndata: ${JSON.stringify(event)}\n\n`
  rendered.set(event, text)
  const room = raw.write(text)
  if (!room) await once(raw, 'drain', { signal })
}

/** Whether `user` may see no event after this one. */
function isLastFor(user: string, event: GroupEvent): boolean {
  if (event.type === 'member.left') return event.user === user
  if (event.type === 'member.kicked') return event.users.includes(user)
  return event.type === 'group.removed'
}
