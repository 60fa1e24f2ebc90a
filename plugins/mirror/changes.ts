import { watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { ShoalError, storageError } from '@shoal/plugin'

/**
 * Calls `settle` now, and again after the system reports changes of the folder, until the signal aborts. Throws what
 * `settle` throws, and a storage error if the folder is gone.
 */
export async function onChanges(
  folder: string,
  settle: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  await requireFolder(folder)
  let changed = Promise.withResolvers<void>()
  const watcher = watch(folder, { recursive: true, signal }, () => changed.resolve())
  const failed = new Promise<never>((_, reject) =>
    watcher.once('error', (error) => reject(storageError(error, folder))),
  )
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  try {
    while (!signal.aborted) {
      changed = Promise.withResolvers()
      await Promise.race([settle(signal), failed])
      await Promise.race([changed.promise, aborted, failed])
    }
  } finally {
    watcher.close()
  }
}

export async function requireFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error: unknown) => {
    throw storageError(error, folder)
  })
  if (!found.isDirectory())
    throw new ShoalError('PATH_IN_THE_WAY', `${folder} is not a folder`, { hint: 'name a folder to watch' })
}
