import { readdirSync, readFileSync } from 'node:fs'

export interface Script {
  name: string
  /** How many of the arguments are keys: the number in the file's name. */
  keys: number
  lua: string
}

const FOLDER = new URL('./scripts/', import.meta.url)

/** Reads scripts/NAME-KEYS.lua, each behind what they share (lib.lua). */
export function loadScripts(folder: URL = FOLDER): Script[] {
  const lib = readFileSync(new URL('lib.lua', folder), 'utf8')
  return readdirSync(folder).flatMap((file) => {
    const [, name, keys] = /^(\w+)-(\d+)\.lua$/.exec(file) ?? []
    if (name === undefined) return []
    return [{ name, keys: Number(keys), lua: `${lib}\n${readFileSync(new URL(file, folder), 'utf8')}` }]
  })
}
