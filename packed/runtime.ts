/** The part of Deno's global that is used. */
interface Deno {
  build: { standalone: boolean }
}

const deno = (globalThis as { Deno?: Deno }).Deno

/** Whether Deno runs this program; else Node does, also in the single binary. */
export const isDeno: boolean = deno !== undefined

/** Whether it is a program that `deno compile` made. */
export const isDenoCompiled: boolean = deno?.build.standalone ?? false

/** Those before, from 2.7.12 on, close a unix socket twice, and the second time what another thread has just opened. */
const OLDEST_DENO = [2, 9, 6] as const

/** What to say of the version of Deno that runs this program; null where it can be used, or none does. */
export function faultOfDeno(version: string | undefined = process.versions.deno): string | null {
  if (version === undefined) return null
  const parts = version.split('.').map(Number)
  const i = OLDEST_DENO.findIndex((part, at) => part !== parts[at])
  if (i < 0 || Number(parts[i]) > OLDEST_DENO[i]!) return null
  return `Deno ${version} is too old: Shoal needs ${OLDEST_DENO.join('.')} or later`
}

/** What `--version` says: "shoal/0.1.0 linux-x64 node-v26.10.0". */
export function versionLine({ name, version }: { name: string; version: string }): string {
  const runtime = isDeno ? `deno-v${process.versions.deno}` : `node-${process.version}`
  return `${name}/${version} ${process.platform}-${process.arch} ${runtime}`
}
