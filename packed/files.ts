import { readdirSync, readFileSync } from 'node:fs'

/**
 * Files that the program reads at run time, such as its Lua scripts. Sources name them as `new
 * URL('./scripts/lib.lua', import.meta.url)`. A checkout has them at that path; the single binary carries
 * them under their path from the folder of package.json (scripts/binary/bundle.ts gives each source the URL
 * that it would have there). Other files, such as an installed plugin's, come from the disk.
 */

/** The part of node:sea that we use; Deno has no such module. */
interface Sea {
  isSea(): boolean
  getAssetKeys(): string[]
  getRawAsset(key: string): ArrayBuffer
}

const sea = process.getBuiltinModule?.('node:sea') as Sea | undefined
const carried: ReadonlySet<string> | null = sea?.isSea() ? new Set(sea.getAssetKeys()) : null
/** The folder of package.json. */
const ROOT = new URL('../', import.meta.url).href

/** Whether this is the single binary, a program without files of its own. */
export const isBinary: boolean = carried !== null

const keyOf = (file: URL): string => (file.href.startsWith(ROOT) ? file.href.slice(ROOT.length) : '')

/** Whether the single binary carries this file; always false in a checkout. */
export function isPacked(file: URL): boolean {
  return carried?.has(keyOf(file)) ?? false
}

/** The file's bytes, which callers must not change. Throws if there is no such file. */
export function packedBytes(file: URL): Uint8Array {
  return sea && isPacked(file) ? new Uint8Array(sea.getRawAsset(keyOf(file))) : readFileSync(file)
}

export function packedText(file: URL): string {
  const bytes = packedBytes(file)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

/** Names of the files in `folder`, a URL that ends in a slash. */
export function packedNames(folder: URL): string[] {
  const start = keyOf(folder)
  if (!carried || start === '') return readdirSync(folder)
  return [...carried]
    .filter((key) => key.startsWith(start) && !key.slice(start.length).includes('/'))
    .map((key) => key.slice(start.length))
}
