import type { Home, RunOptions } from '../../testkit/shoal.ts'
import { MIB } from '../lib/files.ts'
import type { Fleet } from '../lib/fleet.ts'
import { cleanly } from '../lib/on-signal.ts'
import { peakResidentBytes } from '../lib/process.ts'

/** Longer than a million files take on a slow machine. */
const PATIENT: RunOptions = { overdueMs: 3_600_000 }

/** A home with a running peer, whose commands may take long. */
export class BenchPeer {
  readonly home: Home
  readonly #fleet: Fleet
  readonly #pid: number

  constructor(fleet: Fleet, home: Home, pid: number) {
    this.home = home
    this.#fleet = fleet
    this.#pid = pid
  }

  /** Seconds of `shoal peer upload`, from its start to its end. */
  upload(path: string, name: string): Promise<number> {
    return timed(() => this.#fleet.upload(this.home, path, name, PATIENT))
  }

  /** `shoal peer download`; `command` is the seconds from its start to its end. */
  async download(name: string, path: string) {
    let file = null as unknown as Awaited<ReturnType<Fleet['download']>>
    const command = await timed(async () => {
      file = await this.#fleet.download(this.home, name, path, [], PATIENT)
    })
    return { ...file, command }
  }

  /** MiB of memory that its peer ever had. */
  get peakMemory(): number {
    return peakResidentBytes(this.#pid) / MIB
  }
}

let homes = 0

/** Runs `use` with a peer in a new home, and stops it afterwards. */
export async function withPeer<T>(fleet: Fleet, use: (peer: BenchPeer) => Promise<T>): Promise<T> {
  const home = await fleet.home(`peer${homes++}`)
  const running = await fleet.start(home)
  return cleanly(
    () => use(new BenchPeer(fleet, home, Number(running.ready.pid))),
    () => running.end(),
  )
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  await work()
  return (performance.now() - begun) / 1000
}
