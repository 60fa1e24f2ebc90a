import type { GroupEvent } from '../protocol/records.ts'
import { packFiles, type Served } from './api/packed-files.ts'
import type * as api from './api/schemas.ts'
import type * as versions from './api/version-schemas.ts'
import { followEvents } from './events.ts'
import { readHashes } from './read-response.ts'
import { type RequestOptions, TrackerRequests } from './requests.ts'
import type { Answer } from './response-check.ts'

/** A peer's announce. Without `files` it confirms the announce of this sequence. */
export type Announcement = Omit<api.Announce, 'files'> & { files?: Iterable<Served> }

/**
 * A fleet of trackers. Every method asks one tracker after another until one answers (failover.ts), and checks the
 * answer. It throws ShoalError: the tracker's own error, TRACKER_UNREACHABLE, or TRACKER_BAD_ANSWER.
 */
export class TrackerClient {
  readonly #requests: TrackerRequests

  /** Throws BAD_CONFIG for a tracker's address that is none. */
  constructor(options: RequestOptions) {
    this.#requests = new TrackerRequests(options)
  }

  /** The session token of all requests. login and logout set it. */
  get token(): string | null {
    return this.#requests.token
  }

  set token(token: string | null) {
    this.#requests.token = token
  }

  /** Hears the tracker's clock (requests.ts). */
  set onTime(listener: TrackerRequests['onTime']) {
    this.#requests.onTime = listener
  }

  register(user: string, password: string): Promise<Answer<'UserBody'>> {
    return this.#requests.json('UserBody', 'POST', '/users', { body: { user, password }, change: true })
  }

  /** Later calls of this client use the new session's token. */
  async login(user: string, password: string): Promise<api.SessionBody> {
    const call = { body: { user, password }, change: true }
    const session = await this.#requests.json('SessionBody', 'POST', '/sessions', call)
    this.token = session.token
    return session
  }

  async logout(): Promise<void> {
    await this.#requests.nothing('DELETE', '/sessions/current', { change: true })
    this.token = null
  }

  whoami(): Promise<Answer<'UserBody'>> {
    return this.#requests.json('UserBody', 'GET', '/users/me')
  }

  changePassword(old: string, replacement: string): Promise<void> {
    return this.#requests.nothing('PUT', '/users/me/password', {
      body: { old, new: replacement },
      change: true,
    })
  }

  createGroup(group: string): Promise<Answer<'RevisionBody'>> {
    return this.#requests.json('RevisionBody', 'POST', '/groups', { group, body: { group }, change: true })
  }

  /** All groups, in the byte order of their names. */
  async *listGroups(): AsyncGenerator<api.GroupList['groups'][number]> {
    let after: string | null = ''
    while (after !== null) {
      const page: api.GroupList = await this.#requests.json('GroupList', 'GET', `/groups${query({ after })}`)
      yield* page.groups
      after = page.next
    }
  }

  group(group: string): Promise<api.GroupBody> {
    return this.#requests.json('GroupBody', 'GET', groupPath(group), { group })
  }

  requestJoin(group: string): Promise<Answer<'RevisionBody'>> {
    return this.#requests.json('RevisionBody', 'POST', groupPath(group, '/requests'), { group, change: true })
  }

  requests(group: string): Promise<api.RequestList> {
    return this.#requests.json('RequestList', 'GET', groupPath(group, '/requests'), { group })
  }

  accept(group: string, users: readonly string[]): Promise<Answer<'RevisionBody'>> {
    return this.#decide(group, '/requests/accept', users)
  }

  reject(group: string, users: readonly string[]): Promise<Answer<'RevisionBody'>> {
    return this.#decide(group, '/requests/reject', users)
  }

  leave(group: string): Promise<api.LeaveBody> {
    return this.#requests.json('LeaveBody', 'POST', groupPath(group, '/leave'), { group, change: true })
  }

  kick(group: string, users: readonly string[]): Promise<Answer<'RevisionBody'>> {
    return this.#decide(group, '/kick', users)
  }

  promote(group: string, user: string): Promise<Answer<'PromoteBody'>> {
    const call = { group, body: { user }, change: true }
    return this.#requests.json('PromoteBody', 'POST', groupPath(group, '/promote'), call)
  }

  /** A page of the files after the name `after` that are `prefix` or below it. */
  files(
    group: string,
    page: { prefix?: string; after?: string; limit?: number } = {},
  ): Promise<api.FileList> {
    return this.#requests.json('FileList', 'GET', groupPath(group, `/files${query(page)}`), { group })
  }

  /** A page of the kept versions of a file before version `before`, newest first. */
  versions(
    group: string,
    name: string,
    page: { before?: number; limit?: number } = {},
  ): Promise<versions.VersionList> {
    const path = groupPath(group, `/versions${query({ name, ...page })}`)
    return this.#requests.json('VersionList', 'GET', path, { group })
  }

  /** The version that NAME@SELECTOR means, or NAME, or a path in the tree of such a snapshot (protocol/selector.ts). */
  resolve(group: string, target: string): Promise<versions.ResolvedFile> {
    const path = groupPath(group, `/resolve${query({ target })}`)
    return this.#requests.json('ResolvedFile', 'GET', path, { group })
  }

  tags(group: string, name: string): Promise<versions.TagList> {
    return this.#requests.json('TagList', 'GET', groupPath(group, `/tags${query({ name })}`), { group })
  }

  /** The changes of a file's tags, or of one tag, newest first. */
  tagHistory(group: string, name: string, tag?: string): Promise<versions.TagHistory> {
    const path = groupPath(group, `/tags/history${query({ name, tag })}`)
    return this.#requests.json('TagHistory', 'GET', path, { group })
  }

  /** Makes `tag` name this version, whatever it named before. */
  tag(group: string, name: string, version: number, tag: string): Promise<versions.TaggedBody> {
    const path = groupPath(group, `/tags${query({ name, tag })}`)
    return this.#requests.json('TaggedBody', 'PUT', path, { group, body: { version }, change: true })
  }

  untag(group: string, name: string, tag: string): Promise<Answer<'RevisionBody'>> {
    const path = groupPath(group, `/tags${query({ name, tag })}`)
    return this.#requests.json('RevisionBody', 'DELETE', path, { group, change: true })
  }

  /** Publishes at most MAX_BATCH files. On HASHES_NEEDED, call stageHashes for the files without inline hashes. */
  publish(group: string, files: api.Publish['files']): Promise<api.Published> {
    return this.#requests.json('Published', 'POST', groupPath(group, '/files'), {
      group,
      body: { files },
      change: true,
    })
  }

  removeFile(group: string, name: string): Promise<Answer<'RevisionBody'>> {
    const path = groupPath(group, `/files${query({ name })}`)
    return this.#requests.json('RevisionBody', 'DELETE', path, { group, change: true })
  }

  /** Sends up to MAX_HASH_PAGE packed chunk hashes, starting at chunk `first`. Pages must come in order, without gaps. */
  stageHashes(group: string, fileId: string, first: number, page: Uint8Array): Promise<void> {
    return this.#requests.nothing('PUT', groupPath(group, `/hashes/${fileId}${query({ first })}`), {
      group,
      body: page,
    })
  }

  /** Packed hashes of up to MAX_HASH_PAGE chunks [first, first + count), fewer at the end of the file. */
  hashes(group: string, fileId: string, first: number, count: number): Promise<Buffer> {
    const path = groupPath(group, `/hashes/${fileId}${query({ first, count })}`)
    return this.#requests.ask('GET', path, { group }, async (tracker, answer) =>
      readHashes(tracker, answer, count),
    )
  }

  /** Grants and peers for up to MAX_BATCH files of a group. */
  joinSwarms(
    group: string,
    body: { peer: string; fileIds: readonly string[]; hashes?: boolean; plain?: boolean },
  ): Promise<api.JoinedSwarms> {
    return this.#requests.json('JoinedSwarms', 'POST', groupPath(group, '/swarms'), { group, body })
  }

  announce({ files, ...self }: Announcement): Promise<api.Announced> {
    const body: api.Announce = files === undefined ? self : { ...self, files: packFiles(files) }
    return this.#requests.json('Announced', 'POST', '/announce', { body, once: true })
  }

  /** Confirms the announce of this sequence. */
  heartbeat(peer: string, sequence: number): Promise<api.Announced> {
    return this.#requests.json('Announced', 'POST', `/announce/${peer}/${sequence}`, { once: true })
  }

  /** Reports all of a peer's transfers. Answers when to report again. */
  progress(body: api.Progress): Promise<Answer<'Progressed'>> {
    return this.#requests.json('Progressed', 'POST', '/progress', { body })
  }

  keys(): Promise<api.KeySet> {
    return this.#requests.json('KeySet', 'GET', '/keys')
  }

  status(): Promise<api.StatusBody> {
    return this.#requests.json('StatusBody', 'GET', '/status')
  }

  /**
   * The group's events after revision `since`, in order and without gaps, across lost connections, until the signal aborts.
   * Throws a tracker's refusal: NOT_A_MEMBER, TOKEN_INVALID…
   */
  async *events(group: string, since: number, signal: AbortSignal): AsyncGenerator<GroupEvent> {
    for await (const event of followEvents(since, signal, (from) =>
      this.#requests.openStream(groupPath(group, `/events${query({ since: from })}`), signal),
    )) {
      this.#requests.saw(group, event.revision)
      yield event
    }
  }

  #decide(group: string, what: string, users: readonly string[]): Promise<Answer<'RevisionBody'>> {
    return this.#requests.json('RevisionBody', 'POST', groupPath(group, what), {
      group,
      body: { users },
      change: true,
    })
  }
}

const groupPath = (group: string, rest = ''): string => `/groups/${encodeURIComponent(group)}${rest}`

function query(values: Record<string, string | number | undefined>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== '')
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return text === '' ? '' : `?${text}`
}
