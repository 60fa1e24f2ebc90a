import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { storageError } from '../../protocol/errors.ts'

/**
 * The absolute path of the home, the folder of one identity and one peer: `given` (--home or SHOAL_HOME), else the XDG
 * data folder. The XDG specification says to ignore a relative XDG_DATA_HOME.
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

/** Creates a folder that only its owner can enter, and its missing parents. */
export function makePrivateFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw storageError(error, folder)
  }
}
