import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { parseList } from '../text/parse.ts'

export const DEFAULT_TRACKER = 'http://127.0.0.1:8080'

/** What the `config.json` of a home says; a home without one has no trackers of its own. */
export interface Config {
  /** Addresses as the tracker client takes them. */
  trackers: string[]
  /** Settings of plugins, by the plugin's short name and the setting's. */
  plugins: Record<string, Record<string, string>>
}

/** Reads `config.json`; throws BAD_CONFIG with the file and what is wrong in it. */
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

/** `{"trackers":["https://t1:8080"]}` or the older client's `{"trackers":[{"ip":"127.0.0.1","port":"8080"}]}`. */
export function parseConfig(text: string, file: string): Config {
  let config: unknown
  try {
    config = JSON.parse(text)
  } catch (error) {
    throw broken(file, (error as Error).message)
  }
  if (config === null || typeof config !== 'object' || Array.isArray(config))
    throw broken(file, 'it holds no object')
  const { trackers = [], plugins = {} } = config as { trackers?: unknown; plugins?: unknown }
  if (!Array.isArray(trackers)) throw broken(file, '"trackers" is no list')
  return {
    trackers: trackers.map((tracker, index) => trackerOf(tracker, index, file)),
    plugins: settingsOf(plugins, file),
  }
}

/** `{"metrics":{"listen":"127.0.0.1:9464"}}`; numbers and booleans are taken as they are written. */
function settingsOf(plugins: unknown, file: string): Config['plugins'] {
  const isObject = (value: unknown): value is object =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
  if (!isObject(plugins)) throw broken(file, '"plugins" is no object')
  const found: Config['plugins'] = Object.create(null)
  for (const [plugin, settings] of Object.entries(plugins)) {
    if (!isObject(settings)) throw broken(file, `the settings of plugin "${plugin}" are no object`)
    const own: Record<string, string> = Object.create(null)
    for (const [name, value] of Object.entries(settings)) {
      if (isObject(value) || value === null)
        throw broken(file, `"${name}" of plugin "${plugin}" is no text, number or boolean`)
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
    throw broken(file, `tracker ${index + 1} has neither the form "http://host:port" nor {"ip", "port"}`)
  return `http://${ip.includes(':') ? `[${ip}]` : ip}:${port}`
}

function broken(file: string, why: string): ShoalError {
  return new ShoalError('BAD_CONFIG', `${file} cannot be used: ${why}`, {
    hint: 'write {"trackers":["http://127.0.0.1:8080"]}, or remove the file',
  })
}

/** The trackers to ask: `--tracker` or SHOAL_TRACKER (oclif has chosen), else the config's, else this machine's. */
export function chooseTrackers(given: string | undefined, home: string): string[] {
  const listed = given === undefined ? [] : parseList(given)
  if (listed.length > 0) return listed
  const { trackers } = readConfig(home)
  return trackers.length > 0 ? trackers : [DEFAULT_TRACKER]
}
