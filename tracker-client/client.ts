import { randomUUID } from 'node:crypto'
import { uptime } from 'node:os'
import type { GroupEvent } from '../protocol/records.ts'
import { IDEMPOTENCY_HEADER, REVISION_HEADER } from './api/headers.ts'
import { packFiles, type Served } from './api/packed-files.ts'
import type * as api from './api/schemas.ts'
import { type EventStream, followEvents } from './events.ts'
import { exchange, open, readWhole, type WireAnswer, type WireRequest } from './exchange.ts'
import { askTrackers } from './failover.ts'
import { FailoverHistory, type FailoverMemory } from './failover-state.ts'
import { checkStatus, readHashes, readJson, readNothing } from './read-response.ts'
import type { Answer } from './response-check.ts'
import type { ResponseName } from './response-faults.ts'
import { trackerUrl } from './url.ts'

/** The longest answer accepted: a group of 100,000 members fits. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
/** How long to retry while the fleet's Redis is away: a failover takes less. */
const PATIENCE_MS = 6000

interface Call {
  /** The group whose revision is sent and remembered. */
  group?: string
  body?: unknown
  /** Whether this is a mutation, whose repetitions the tracker must recognise. */
  change?: boolean
  /** Whether the caller retries by itself. */
  once?: boolean
}

/** A peer's announce. Without `files` it confirms the announce of this sequence. */
export type Announcement = Omit<api.Announce, 'files'> & { files?: Iterable<Served> }

/**
 * A fleet of trackers. Every method asks one tracker after another until one answers (failover.ts), and checks the
 * answer. It throws ShoalError: the tracker's own error, TRACKER_UNREACHABLE, or TRACKER_BAD_ANSWER.
 */
export class TrackerClient {
  /** The session token of all requests. login and logout set it. */
  token: string | null
  /** Hears the tracker's clock with each answer, in milliseconds since the epoch, and how long the answer took. */
  onTime: ((now: number, tookMs: number) => void) | null = null
  readonly #trackers: string[]
  readonly #memory: FailoverHistory
  readonly #patienceMs: number

  /**
   * `trackers` are `host:port` or `http(s)://host:port`; throws BAD_CONFIG for anything else. `patienceMs` is how long to
   * retry while the fleet's Redis is away.
   */
  constructor(options: {
    trackers: readonly string[]
    token?: string | null
    memory?: FailoverMemory
    patienceMs?: number
  }) {
    this.token = options.token ?? null
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS
    this.#trackers = [...new Set(options.trackers.map(trackerUrl))]
    this.#memory = new FailoverHistory(options.memory)
  }

  register(user: string, password: string): Promise<Answer<'UserBody'>> {
    return this.#json('UserBody', 'POST', '/users', { body: { user, password }, change: true })
  }

  /** Later calls of this client use the new session's token. */
  async login(user: string, password: string): Promise<api.SessionBody> {
    const call = { body: { user, password }, change: true }
    const session = await this.#json('SessionBody', 'POST', '/sessions', call)
    this.token = session.token
    return session
  }

  async logout(): Promise<void> {
    await this.#nothing('DELETE', '/sessions/current', { change: true })
    this.token = null
  }

  whoami(): Promise<Answer<'UserBody'>> {
    return this.#json('UserBody', 'GET', '/users/me')
  }

  changePassword(old: string, replacement: string): Promise<void> {
    return this.#nothing('PUT', '/users/me/password', { body: { old, new: replacement }, change: true })
  }

  createGroup(group: string): Promise<Answer<'RevisionBody'>> {
    return this.#json('RevisionBody', 'POST', '/groups', { group, body: { group }, change: true })
  }

  /** All groups, in the byte order of their names. */
  async *listGroups(): AsyncGenerator<api.GroupList['groups'][number]> {
    let after: string | null = ''
    while (after !== null) {
      const page: api.GroupList = await this.#json('GroupList', 'GET', `/groups${query({ after })}`)
      yield* page.groups
      after = page.next
    }
  }

  group(group: string): Promise<api.GroupBody> {
    return this.#json('GroupBody', 'GET', groupPath(group), { group })
  }

  requestJoin(group: string): Promise<Answer<'RevisionBody'>> {
    return this.#json('RevisionBody', 'POST', groupPath(group, '/requests'), { group, change: true })
  }

  requests(group: string): Promise<api.RequestList> {
    return this.#json('RequestList', 'GET', groupPath(group, '/requests'), { group })
  }

  accept(group: string, users: readonly string[]): Promise<Answer<'RevisionBody'>> {
    return this.#decide(group, '/requests/accept', users)
  }

  reject(group: string, users: readonly string[]): Promise<Answer<'RevisionBody'>> {
    return this.#decide(group, '/requests/reject', users)
  }

  leave(group: string): Promise<api.LeaveBody> {
    return this.#json('LeaveBody', 'POST', groupPath(group, '/leave'), { group, change: true })
  }

  kick(group: string, users: readonly string[]): Promise<Answer<'RevisionBody'>> {
    return this.#decide(group, '/kick', users)
  }

  promote(group: string, user: string): Promise<Answer<'PromoteBody'>> {
    const call = { group, body: { user }, change: true }
    return this.#json('PromoteBody', 'POST', groupPath(group, '/promote'), call)
  }

  /** A page of the files after the name `after` that are `prefix` or below it. */
  files(
    group: string,
    page: { prefix?: string; after?: string; limit?: number } = {},
  ): Promise<api.FileList> {
    return this.#json('FileList', 'GET', groupPath(group, `/files${query(page)}`), { group })
  }

  /** The versions of a file, newest first, as far back as the group's stream goes. */
  versions(group: string, name: string): Promise<api.VersionList> {
    return this.#json('VersionList', 'GET', groupPath(group, `/versions${query({ name })}`), { group })
  }

  /** Publishes at most MAX_BATCH files. On HASHES_NEEDED, call stageHashes for the files without inline hashes. */
  publish(group: string, files: api.Publish['files']): Promise<api.Published> {
    return this.#json('Published', 'POST', groupPath(group, '/files'), {
      group,
      body: { files },
      change: true,
    })
  }

  removeFile(group: string, name: string): Promise<Answer<'RevisionBody'>> {
    const path = groupPath(group, `/files${query({ name })}`)
    return this.#json('RevisionBody', 'DELETE', path, { group, change: true })
  }

  /** Sends up to MAX_HASH_PAGE packed chunk hashes, starting at chunk `first`. Pages must come in order, without gaps. */
  stageHashes(group: string, fileId: string, first: number, page: Uint8Array): Promise<void> {
    return this.#nothing('PUT', groupPath(group, `/hashes/${fileId}${query({ first })}`), {
      group,
      body: page,
    })
  }

  /** Packed hashes of up to MAX_HASH_PAGE chunks [first, first + count), fewer at the end of the file. */
  hashes(group: string, fileId: string, first: number, count: number): Promise<Buffer> {
    const path = groupPath(group, `/hashes/${fileId}${query({ first, count })}`)
    return this.#ask('GET', path, { group }, MAX_ANSWER_BYTES, async (tracker, answer) =>
      readHashes(tracker, answer, count),
    )
  }

  /** Grants and peers for up to MAX_BATCH files of a group. */
  joinSwarms(
    group: string,
    body: { peer: string; fileIds: readonly string[]; hashes?: boolean; plain?: boolean },
  ): Promise<api.JoinedSwarms> {
    return this.#json('JoinedSwarms', 'POST', groupPath(group, '/swarms'), { group, body })
  }

  announce({ files, ...self }: Announcement): Promise<api.Announced> {
    const body: api.Announce = files === undefined ? self : { ...self, files: packFiles(files) }
    return this.#json('Announced', 'POST', '/announce', { body, once: true })
  }

  /** Confirms the announce of this sequence. */
  heartbeat(peer: string, sequence: number): Promise<api.Announced> {
    return this.#json('Announced', 'POST', `/announce/${peer}/${sequence}`, { once: true })
  }

  /** Reports all of a peer's transfers. Answers when to report again. */
  progress(body: api.Progress): Promise<Answer<'Progressed'>> {
    return this.#json('Progressed', 'POST', '/progress', { body })
  }

  keys(): Promise<api.KeySet> {
    return this.#json('KeySet', 'GET', '/keys')
  }

  status(): Promise<api.StatusBody> {
    return this.#json('StatusBody', 'GET', '/status')
  }

  /**
   * The group's events after revision `since`, in order and without gaps, across lost connections, until the signal aborts.
   * Throws a tracker's refusal: NOT_A_MEMBER, TOKEN_INVALID…
   */
  async *events(group: string, since: number, signal: AbortSignal): AsyncGenerator<GroupEvent> {
    for await (const event of followEvents(since, signal, (from) => this.#openEvents(group, from, signal))) {
      this.#memory.saw(group, event.revision)
      yield event
    }
  }

  #openEvents(group: string, since: number, signal: AbortSignal): Promise<EventStream> {
    const request = this.#request('GET', groupPath(group, `/events${query({ since })}`), {})
    return askTrackers(this.#trackers, this.#memory, async (tracker, limitMs) => {
      const answer = await open(tracker, request, limitMs, signal)
      if (answer.status !== 200)
        checkStatus(tracker, answer.status, await readWhole(tracker, answer, MAX_ANSWER_BYTES))
      return { tracker, answer }
    })
  }

  #decide(group: string, what: string, users: readonly string[]): Promise<Answer<'RevisionBody'>> {
    return this.#json('RevisionBody', 'POST', groupPath(group, what), {
      group,
      body: { users },
      change: true,
    })
  }

  #json<Name extends ResponseName>(
    name: Name,
    method: WireRequest['method'],
    path: string,
    call: Call = {},
  ): Promise<Answer<Name>> {
    return this.#ask(method, path, call, MAX_ANSWER_BYTES, (tracker, answer) =>
      readJson(tracker, name, answer),
    )
  }

  #nothing(method: WireRequest['method'], path: string, call: Call): Promise<void> {
    return this.#ask(method, path, call, MAX_ANSWER_BYTES, async (tracker, answer) =>
      readNothing(tracker, answer),
    )
  }

  #ask<T>(
    method: WireRequest['method'],
    path: string,
    call: Call,
    maxBytes: number,
    read: (tracker: string, answer: WireAnswer) => Promise<T>,
  ): Promise<T> {
    const request = this.#request(method, path, call)
    const attempt = async (tracker: string, limitMs: number): Promise<T> => {
      // Unlike performance.now(), this counts a suspend.
      const begun = uptime()
      const answer = await exchange(tracker, request, limitMs, maxBytes)
      const result = await read(tracker, answer)
      if (answer.headers.date) this.onTime?.(Date.parse(answer.headers.date), (uptime() - begun) * 1000)
      const revision = Number(answer.headers[REVISION_HEADER])
      if (call.group !== undefined && Number.isSafeInteger(revision)) this.#memory.saw(call.group, revision)
      return result
    }
    return askTrackers(this.#trackers, this.#memory, attempt, call.once ? 0 : this.#patienceMs)
  }

  #request(method: WireRequest['method'], path: string, call: Call): WireRequest {
    const headers: Record<string, string> = {}
    if (this.token !== null) headers.authorization = `Bearer ${this.token}`
    if (call.change) headers[IDEMPOTENCY_HEADER] = randomUUID()
    const seen = call.group === undefined ? undefined : this.#memory.revision(call.group)
    if (seen !== undefined) headers[REVISION_HEADER] = String(seen)
    if (call.body === undefined) return { method, path: `/v1${path}`, headers }
    if (call.body instanceof Uint8Array) {
      headers['content-type'] = 'application/octet-stream'
      return { method, path: `/v1${path}`, headers, body: call.body }
    }
    headers['content-type'] = 'application/json'
    return { method, path: `/v1${path}`, headers, body: JSON.stringify(call.body) }
  }
}

const groupPath = (group: string, rest = ''): string => `/groups/${encodeURIComponent(group)}${rest}`

function query(values: Record<string, string | number | undefined>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== '')
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return text === '' ? '' : `?${text}`
}
