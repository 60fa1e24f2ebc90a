import { constants } from 'node:os'

const cleanups: (() => unknown)[] = []

/**
 * Runs `use`, then `clean`, also if a signal ends the program in between, so that nothing outlives the bench.
 * Cleans up in reverse order.
 */
export async function cleanly<T>(use: () => Promise<T>, clean: () => unknown): Promise<T> {
  let done: Promise<unknown> | null = null
  const once = (): Promise<unknown> => {
    done ??= Promise.resolve().then(clean)
    return done
  }
  cleanups.push(once)
  try {
    return await use()
  } finally {
    await once()
    cleanups.splice(cleanups.indexOf(once), 1)
  }
}

async function end(signal: 'SIGINT' | 'SIGTERM'): Promise<void> {
  for (const clean of cleanups.toReversed()) await Promise.resolve(clean()).catch(() => {})
  process.exit(128 + constants.signals[signal])
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void end(signal))
