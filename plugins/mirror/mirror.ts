import { mkdir, realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import {
  type DownloadedVersion,
  type GroupEvent,
  type Peer,
  type ProgressListener,
  ShoalError,
  storageError,
  type TrackerClient,
} from '@shoal/plugin'
import { Backlog } from './backlog.ts'
import { type MirroredName, markFolder, refuseOtherMirror, requireOwnFolder } from './marker.ts'

export interface MirrorOptions {
  client: TrackerClient
  peer: Peer
  progress: ProgressListener
  group: string
  /** The mirrored names: a folder of the group ('' for all of it), or a snapshot, a version or a folder of one. */
  prefix: string
  /** Folder on this machine. */
  folder: string
  deletes: boolean
  /** Lets the mirror delete in a folder that is not empty. */
  adopt: boolean
  /** Replaces files that no download put there. */
  force: boolean
  /** Compares the contents of files, not only their sizes and times. */
  checksum: boolean
  /** Only reports what would change. */
  dryRun: boolean
  /** Whether to continue after the folder equals the group. */
  follow: boolean
  /** Reports a line for each file or snapshot that comes or goes. */
  tell(line: string): void
}

/** Of a dry run: what would be fetched (names in the group, or paths in the snapshot), and the paths that would be deleted. */
export interface MirrorPlan {
  fetch: string[]
  delete: string[]
}

export interface MirrorSummary {
  group: string
  folder: string
  /** Of a snapshot. */
  snapshot?: MirroredSnapshot
  files: DownloadedVersion[]
  /** Paths. */
  deleted: string[]
  /** Files of the group that could not be fetched yet. */
  failed: { name: string; reason: string }[]
  plan?: MirrorPlan
}

/** The version that the folder is at, or, in a dry run, would be. */
export interface MirroredSnapshot {
  name: string
  version: number
  fileId: string
}

/**
 * Keeps a folder equal to a part of a group: compares them once, then follows the group's events. The home's peer
 * downloads each file or snapshot under a working name, and renames it when it is complete.
 */
export abstract class Mirror {
  protected readonly options: MirrorOptions
  protected readonly backlog: Backlog
  protected readonly files: DownloadedVersion[] = []
  protected readonly deleted: string[] = []
  protected snapshot: MirroredSnapshot | null = null
  /** The folder, with every link resolved. */
  protected root = ''

  /** `atOnce` is the number of names that are fetched at a time. */
  constructor(options: MirrorOptions, atOnce: number) {
    this.options = options
    this.backlog = new Backlog({
      atOnce,
      retries: options.follow,
      work: (name, signal) => this.fetch(name, signal),
      isFinal: isPermanent,
      failed: (name, error) => options.tell(`could not fetch ${name} yet: ${error.message}`),
    })
  }

  /** The name in the folder's marker. */
  protected abstract get mirrored(): MirroredName
  /** Throws if the group has nothing to mirror, before anything is made. */
  protected abstract check(signal: AbortSignal): Promise<void>
  /** The plan that a run would carry out now. */
  protected abstract plan(signal: AbortSignal): Promise<MirrorPlan>
  /** Compares the folder with the group, and queues the names that have to be fetched. */
  protected abstract compare(signal: AbortSignal): Promise<void>
  protected abstract apply(event: GroupEvent): Promise<void>
  /** Makes a queued name equal to the group's newest version. */
  protected abstract fetch(name: string, signal: AbortSignal): Promise<void>

  /** Ends when the signal aborts, or with `follow: false` when the folder is equal. Throws the tracker's refusal. */
  async run(signal: AbortSignal): Promise<MirrorSummary> {
    const { folder, deletes, adopt, dryRun, follow } = this.options
    if (deletes && !adopt) await requireOwnFolder(folder, this.mirrored)
    else if (!adopt) await refuseOtherMirror(folder, this.mirrored)
    await this.check(signal)
    if (dryRun) {
      this.root = await realpath(folder).catch(() => resolve(folder))
      const plan = await this.#plan(signal)
      return { ...this.#summary(), plan }
    }
    await this.makeFolder(adopt)
    if (follow) await this.#followUntil(signal)
    else {
      await this.compare(signal)
      await this.backlog.run(signal, true)
    }
    const [first] = this.backlog.failures.values()
    if (!follow && first && !signal.aborted) throw first
    return this.#summary()
  }

  /** Makes the folder, and marks it if it is empty or (`adopt`) in any case. */
  protected async makeFolder(adopt: boolean): Promise<void> {
    const { folder } = this.options
    try {
      await mkdir(folder, { recursive: true })
      this.root = await realpath(folder)
    } catch (error) {
      throw storageError(error, folder)
    }
    await markFolder(this.root, this.mirrored, adopt)
  }

  #summary(): MirrorSummary {
    const { group, folder } = this.options
    const { files, deleted, snapshot } = this
    const failed = [...this.backlog.failures].map(([name, { message }]) => ({ name, reason: message }))
    return { group, folder: resolve(folder), ...(snapshot ? { snapshot } : {}), files, deleted, failed }
  }

  async #plan(signal: AbortSignal): Promise<MirrorPlan> {
    const plan = await this.plan(signal)
    for (const name of plan.fetch) this.options.tell(`would fetch ${name}`)
    for (const path of plan.delete) this.options.tell(`would delete ${path}`)
    return plan
  }

  async #followUntil(signal: AbortSignal): Promise<void> {
    const { client, group } = this.options
    const ended = new AbortController()
    const either = AbortSignal.any([signal, ended.signal])
    // If one of the two fails, it ends the other.
    const working = this.backlog.run(either).finally(() => ended.abort())
    const following = (async () => {
      while (!either.aborted) {
        const { revision } = await client.group(group)
        await this.compare(either)
        await this.#follow(revision, either)
      }
    })().finally(() => ended.abort())
    const results = await Promise.allSettled([working, following])
    const failure = results.find((result) => result.status === 'rejected')
    if (failure && !signal.aborted) throw failure.reason
  }

  async #follow(since: number, signal: AbortSignal): Promise<void> {
    const { client, group } = this.options
    try {
      for await (const event of client.events(group, since, signal)) await this.apply(event)
    } catch (error) {
      if (signal.aborted) return
      // Cut off for too long: the next comparison finds what has changed.
      if (!(error instanceof ShoalError && error.code === 'REVISION_TOO_OLD')) throw error
    }
  }
}

/** Whether a retry cannot help: the group refuses this user, or the request is wrong. */
function isPermanent(error: unknown): boolean {
  return error instanceof ShoalError && ['auth', 'forbidden', 'usage'].includes(error.kind)
}
