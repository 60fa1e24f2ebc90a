import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { parseList } from '../text/parse.ts'

export const DEFAULT_TRACKER = 'http://127.0.0.1:8080'

/** The content of a home's `config.json`. Without one, no trackers are configured. */
export interface Config {
  /** Addresses in the form that the tracker client takes. */
  trackers: string[]
  /** Settings of plugins, by short name of the plugin and name of the setting. */
  plugins: Record<string, Record<string, string>>
}

/** Reads `config.json`. Throws BAD_CONFIG with the file's name and the fault. */
export function readConfig(home: string): Config {
  const file = join(home, 'config.json')
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { trackers: [], plugins: {} }
    throw storageError(error, file)
  }
  return parseConfig(text, file)
}

/** `{"trackers":["https://t1:8080"]}`, or the older client's `{"trackers":[{"ip":"127.0.0.1","port":"8080"}]}`. */
export function parseConfig(text: string, file: string): Config {
  let config: unknown
  try {
    config = JSON.parse(text)
  } catch (error) {
    throw broken(file, (error as Error).message)
  }
  if (config === null || typeof config !== 'object' || Array.isArray(config))
    throw broken(file, 'it is not an object')
  const { trackers = [], plugins = {} } = config as { trackers?: unknown; plugins?: unknown }
  if (!Array.isArray(trackers)) throw broken(file, '"trackers" is not a list')
  return {
    trackers: trackers.map((tracker, index) => trackerOf(tracker, index, file)),
    plugins: settingsOf(plugins, file),
  }
}

/** `{"metrics":{"listen":"127.0.0.1:9464"}}`. Numbers and booleans become text. */
function settingsOf(plugins: unknown, file: string): Config['plugins'] {
  const isObject = (value: unknown): value is object =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
  if (!isObject(plugins)) throw broken(file, '"plugins" is not an object')
  const found: Config['plugins'] = Object.create(null)
  for (const [plugin, settings] of Object.entries(plugins)) {
    if (!isObject(settings)) throw broken(file, `the settings of plugin "${plugin}" are not an object`)
    const own: Record<string, string> = Object.create(null)
    for (const [name, value] of Object.entries(settings)) {
      if (isObject(value) || value === null)
        throw broken(file, `"${name}" of plugin "${plugin}" is not a text, number or boolean`)
      own[name] = String(value)
    }
    found[plugin] = own
  }
  return found
}

function trackerOf(tracker: unknown, index: number, file: string): string {
  if (typeof tracker === 'string') return tracker
  const { ip, port } = (tracker ?? {}) as { ip?: unknown; port?: unknown }
  if (typeof ip !== 'string' || !/^\d{1,5}$/.test(String(port)))
    throw broken(file, `tracker ${index + 1} is neither "http://host:port" nor {"ip", "port"}`)
  return `http://${ip.includes(':') ? `[${ip}]` : ip}:${port}`
}

function broken(file: string, why: string): ShoalError {
  return new ShoalError('BAD_CONFIG', `${file} is invalid: ${why}`, {
    hint: 'write {"trackers":["http://127.0.0.1:8080"]}, or remove the file',
  })
}

/** The trackers to ask: `given` (from --tracker or SHOAL_TRACKER), else config.json's, else this machine's. */
export function chooseTrackers(given: string | undefined, home: string): string[] {
  const listed = given === undefined ? [] : parseList(given)
  if (listed.length > 0) return listed
  const { trackers } = readConfig(home)
  return trackers.length > 0 ? trackers : [DEFAULT_TRACKER]
}
