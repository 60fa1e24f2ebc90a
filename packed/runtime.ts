/** The part of Deno's global that we use. */
interface Deno {
  build: { standalone: boolean }
}

const deno = (globalThis as { Deno?: Deno }).Deno

/** Whether Deno runs this program. Otherwise Node does, in the single binary too. */
export const isDeno: boolean = deno !== undefined

/** Whether `deno compile` made this program. */
export const isDenoCompiled: boolean = deno?.build.standalone ?? false

/**
 * From 2.7.12 up to this version, Deno closed a unix socket twice; the second close could hit a file that
 * another thread had just opened.
 */
const OLDEST_DENO = [2, 9, 6] as const

/** Why Shoal cannot use the Deno that runs it, or null if it can or Deno does not run it. */
export function faultOfDeno(version: string | undefined = process.versions.deno): string | null {
  if (version === undefined) return null
  const parts = version.split('.').map(Number)
  const i = OLDEST_DENO.findIndex((part, at) => part !== parts[at])
  if (i < 0 || Number(parts[i]) > OLDEST_DENO[i]!) return null
  return `Deno ${version} is too old: Shoal needs ${OLDEST_DENO.join('.')} or later`
}

/** The output of `--version`: "shoal/0.1.0 linux-x64 node-v26.10.0". */
export function versionLine({ name, version }: { name: string; version: string }): string {
  const runtime = isDeno ? `deno-v${process.versions.deno}` : `node-${process.version}`
  return `${name}/${version} ${process.platform}-${process.arch} ${runtime}`
}
