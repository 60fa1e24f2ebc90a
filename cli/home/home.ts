import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { storageError } from '../../protocol/errors.ts'

/**
 * The folder of one identity and one peer, absolute: `given` (--home or SHOAL_HOME), else as the XDG base
 * directory specification has it, which says that a relative XDG_DATA_HOME is to be ignored.
 */
export function homeFolder(given: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  if (given) return resolve(given)
  const data = env.XDG_DATA_HOME
  if (data && isAbsolute(data)) return join(data, 'shoal')
  return join(homedir(), '.local', 'share', 'shoal')
}

/** The data folder of a tracker: `given` (--data), else `tracker` in the home. */
export const trackerData = (home: string, given: string | undefined): string =>
  given ? resolve(given) : join(home, 'tracker')

/** Makes a folder that only its owner may enter, with what is missing above it. */
export function makePrivateFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw storageError(error, folder)
  }
}
