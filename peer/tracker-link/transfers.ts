import { partsOf } from '../../protocol/parts.ts'
import type { FileProgress } from '../../protocol/records.ts'
import { MAX_MOVING } from '../../tracker-client/api/limits.ts'
import type { Library } from '../serve/library.ts'
import { type FileBytes, fileKey } from '../wire/transfer-counters.ts'
import { Rates } from './rates.ts'

export interface TransferSources {
  library: Pick<Library, 'get'>
  /** Downloads under way, with what each has fetched. */
  downloads(): Iterable<FileBytes>
  /** What was sent, by fileKey; what has come to rest is taken out. */
  sent: Map<string, FileBytes>
}

/** A file that moves; `down` only where it is being downloaded. */
interface Moving {
  group: string
  fileId: string
  down: number | null
  up: number
}

/** What this peer moves, as it reports it: looked up when it is asked for, from what is counted anyway. */
export class Transfers {
  readonly #sources: TransferSources
  readonly #down: Rates
  readonly #up: Rates

  /** `start` is when nothing had moved yet: milliseconds, as `now` below. */
  constructor(sources: TransferSources, start: number) {
    this.#sources = sources
    this.#down = new Rates(start)
    this.#up = new Rates(start)
  }

  /** Files that are downloaded, or of which something went out in the last seconds: the busiest. */
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
      // Until it is served, nobody knows yet what is here of it.
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

/** One file may be downloaded to several places. */
function sumByFile(files: Iterable<FileBytes>): Iterable<FileBytes> {
  const sums = new Map<string, FileBytes>()
  for (const file of files) {
    const key = fileKey(file.group, file.fileId)
    sums.set(key, { ...file, bytes: file.bytes + (sums.get(key)?.bytes ?? 0) })
  }
  return sums.values()
}
