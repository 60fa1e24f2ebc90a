import type { SnapshotId } from '@shoal/plugin'
import { type Marker, readMarker, type SnapshotState, writeMarker } from './marker.ts'

/** Older snapshots that are remembered while files of them are still in the folder. */
const MAX_OLDER = 8
const NONE: SnapshotState = { earlier: [], begun: [] }

/**
 * The snapshots that a mirror put into its folder, as the marker records them: so the mirror tells its files from the
 * user's, also after an update that was killed. Without a marker nothing is recorded.
 */
export class SnapshotRecords {
  readonly #folder: string
  #last: Promise<unknown> = Promise.resolve()

  constructor(folder: string) {
    this.#folder = folder
  }

  async of(name: string): Promise<SnapshotState> {
    return stateIn(await readMarker(this.#folder), name)
  }

  /** Call it before an update to `next` changes anything. */
  begin(name: string, next: SnapshotId): Promise<void> {
    return this.#change(name, ({ earlier, begun }) => ({
      earlier,
      begun: [...others(begun, next), next].slice(-MAX_OLDER),
    }))
  }

  /** The folder is at `now`. `keepsOlder`: it also has files that only earlier snapshots had. */
  finish(name: string, now: SnapshotId, keepsOlder: boolean): Promise<void> {
    return this.#change(name, ({ earlier }) => ({
      earlier: [...(keepsOlder ? others(earlier, now).slice(-MAX_OLDER) : []), now],
      begun: [],
    }))
  }

  /** One change after the other: a group's snapshots are updated at the same time. */
  #change(name: string, apply: (state: SnapshotState) => SnapshotState): Promise<void> {
    const change = this.#last.then(async () => {
      const marker = await readMarker(this.#folder)
      if (!marker) return
      const before = stateIn(marker, name)
      const after = apply(before)
      if (JSON.stringify(after) === JSON.stringify(before)) return
      await writeMarker(this.#folder, { ...marker, snapshots: { ...marker.snapshots, [name]: after } })
    })
    this.#last = change.catch(() => {})
    return change
  }
}

const stateIn = (marker: Marker | null, name: string): SnapshotState =>
  marker?.snapshots && Object.hasOwn(marker.snapshots, name) ? marker.snapshots[name]! : NONE

const others = (snapshots: readonly SnapshotId[], { fileId }: SnapshotId): SnapshotId[] =>
  snapshots.filter((snapshot) => snapshot.fileId !== fileId)
