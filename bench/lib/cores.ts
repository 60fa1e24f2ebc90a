import { execFileSync } from 'node:child_process'
import { cleanly } from './on-signal.ts'
import { TrackerFleet } from './tracker-fleet.ts'

/** The core for the measured process; the load gets the others. */
const MEASURED = 0

/** Moves a process, with its threads and future children, to the measured core. */
export const toMeasuredCore = (pid: number): void => pin(pid, String(MEASURED))

/**
 * Runs `use` with one replica that has a core to itself; Redis, this process and its children get the others.
 */
export async function withPinnedReplica(
  use: (url: string, fleet: TrackerFleet) => Promise<void>,
): Promise<void> {
  await onOtherCores(() =>
    TrackerFleet.with(1, async (fleet) => {
      const replica = fleet.replicas[0]!
      toMeasuredCore(replica.pid)
      await use(replica.url, fleet)
    }),
  )
}

async function onOtherCores(use: () => Promise<void>): Promise<void> {
  const before = execFileSync('taskset', ['-c', '-p', String(process.pid)], { encoding: 'utf8' })
  const all = before.slice(before.lastIndexOf(':') + 1).trim()
  pin(process.pid, others(all))
  await cleanly(use, () => pin(process.pid, all))
}

function pin(pid: number, cores: string): void {
  execFileSync('taskset', ['-a', '-c', '-p', cores, String(pid)])
}

/** All cores of a list such as "0-3,6" except the measured one. Throws if none is left. */
function others(list: string): string {
  const cores = list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
  const rest = cores.filter((core) => core !== MEASURED)
  if (rest.length === 0 || rest.length === cores.length)
    throw new Error(`this needs core ${MEASURED} and another one, but may use only ${list}`)
  return rest.join(',')
}
