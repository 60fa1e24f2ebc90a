import { packedNames, packedText } from '../packed/files.ts'

export interface Script {
  name: string
  /** How many arguments are keys: the number in the file name. */
  keys: number
  lua: string
}

const FOLDER = new URL('./scripts/', import.meta.url)

/** Reads every scripts/NAME-KEYS.lua and prepends lib.lua. */
export function loadScripts(): Script[] {
  const lib = packedText(new URL('lib.lua', FOLDER))
  return packedNames(FOLDER).flatMap((file) => {
    const [, name, keys] = /^(\w+)-(\d+)\.lua$/.exec(file) ?? []
    if (name === undefined) return []
    return [{ name, keys: Number(keys), lua: `${lib}\n${packedText(new URL(file, FOLDER))}` }]
  })
}
