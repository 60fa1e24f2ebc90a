import {
  type Peer,
  type ProgressListener,
  ShoalError,
  type UploadRequest,
  type UploadResult,
} from '@shoal/plugin'

const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 60_000
/** The folder has to change before a retry can help. */
const OF_THE_FOLDER = ['FOLDER_UNREADABLE', 'NAMES_COLLIDE', 'LINK_OUTSIDE', 'TREE_INVALID']
/** The next look at the folder sees what happened. */
const OF_A_CHANGE = ['FILE_CHANGED', 'PATH_NOT_FOUND']

export interface PublisherOptions {
  peer: Peer
  progress: ProgressListener
  /** Reports why something was not published. */
  tell(line: string): void
}

/** A result; or when to try again: after a pause, or after the next change of the folder. */
export type Attempt = { published: UploadResult } | { retryMs: number } | 'refused'

/** Publishes for a watch, which goes on after errors that may pass. */
export class Publisher {
  readonly #options: PublisherOptions
  #retryMs = FIRST_RETRY_MS

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /** Throws refusals of the group, and all errors that neither time nor a change of the folder mends. */
  async publish(request: UploadRequest, signal: AbortSignal): Promise<Attempt> {
    const { peer, progress, tell } = this.#options
    try {
      const published = await peer.upload(request, progress, signal)
      this.#retryMs = FIRST_RETRY_MS
      return { published }
    } catch (error) {
      if (signal.aborted) return { retryMs: 0 }
      if (!(error instanceof ShoalError)) throw error
      if (OF_THE_FOLDER.includes(error.code)) {
        tell(`not published: ${error.message}`)
        return 'refused'
      }
      if (OF_A_CHANGE.includes(error.code)) {
        tell(`${error.message}; trying again`)
        return { retryMs: 0 }
      }
      if (error.kind !== 'unreachable' && error.kind !== 'busy') throw error
      tell(`could not publish yet: ${error.message}; retrying`)
      const retryMs = this.#retryMs
      this.#retryMs = Math.min(LAST_RETRY_MS, retryMs * 2)
      return { retryMs }
    }
  }
}
