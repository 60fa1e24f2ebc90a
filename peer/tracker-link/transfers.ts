import { partsOf } from '../../protocol/parts.ts'
import type { FileProgress } from '../../protocol/records.ts'
import { MAX_MOVING } from '../../tracker-client/api/limits.ts'
import type { Library } from '../serve/library.ts'
import { type FileBytes, fileKey } from '../wire/transfer-counters.ts'
import { Rates } from './rates.ts'

export interface TransferSources {
  library: Pick<Library, 'get'>
  /** Downloads under way, with the bytes that each has fetched. */
  downloads(): Iterable<FileBytes>
  /** Bytes sent, by fileKey. Transfers removes idle entries. */
  sent: Map<string, FileBytes>
}

/** A file that is being transferred. `down` is null unless it is being downloaded. */
interface Moving {
  group: string
  fileId: string
  down: number | null
  up: number
}

/** Computes this peer's transfers for its reports, from the counters of downloads and uploads. */
export class Transfers {
  readonly #sources: TransferSources
  readonly #down: Rates
  readonly #up: Rates

  /** `start` is a time before the first transfer, in milliseconds like `now` below. */
  constructor(sources: TransferSources, start: number) {
    this.#sources = sources
    this.#down = new Rates(start)
    this.#up = new Rates(start)
  }

  /** The busiest files: those being downloaded, or sent within the last seconds. */
  now(now: number): FileProgress[] {
    const busiest = [...this.#moving(now)].sort((a, b) => speedOf(b) - speedOf(a))
    return busiest.slice(0, MAX_MOVING).flatMap(({ group, fileId, down, up }) => {
      const have = this.#sources.library.get(fileId)?.have
      if (!have) return []
      const parts = Buffer.from(partsOf(have)).toString('base64')
      return { group, fileId, held: have.count, parts, down: down ?? 0, up }
    })
  }

  #moving(now: number): Iterable<Moving> {
    const { downloads, sent, library } = this.#sources
    const moving = new Map<string, Moving>()
    for (const { group, fileId, bytes } of sumByFile(downloads())) {
      // A download that is not served yet does not know its chunks.
      if (!library.get(fileId)) continue
      const key = fileKey(group, fileId)
      moving.set(key, { group, fileId, down: this.#down.at(key, bytes, now), up: 0 })
    }
    for (const [key, { group, fileId, bytes }] of sent) {
      const up = this.#up.at(key, bytes, now)
      const known = moving.get(key)
      if (known) known.up = up
      else if (up > 0 && library.get(fileId)) moving.set(key, { group, fileId, down: null, up })
      else sent.delete(key)
    }
    this.#down.tick(now)
    this.#up.tick(now)
    return moving.values()
  }
}

const speedOf = ({ down, up }: Moving): number => (down === null ? up : 1 + down + up)

/** Adds up downloads of the same file to several places. */
function sumByFile(files: Iterable<FileBytes>): Iterable<FileBytes> {
  const sums = new Map<string, FileBytes>()
  for (const file of files) {
    const key = fileKey(file.group, file.fileId)
    sums.set(key, { ...file, bytes: file.bytes + (sums.get(key)?.bytes ?? 0) })
  }
  return sums.values()
}
