/** The part of Deno's global that is used. */
interface Deno {
  build: { standalone: boolean }
}

const deno = (globalThis as { Deno?: Deno }).Deno

/** Whether Deno runs this program; else Node does, also in the single binary. */
export const isDeno: boolean = deno !== undefined

/** Whether it is a program that `deno compile` made. */
export const isDenoCompiled: boolean = deno?.build.standalone ?? false

/** What `--version` says: "shoal/0.1.0 linux-x64 node-v26.10.0". */
export function versionLine({ name, version }: { name: string; version: string }): string {
  const runtime = isDeno ? `deno-v${process.versions.deno}` : `node-${process.version}`
  return `${name}/${version} ${process.platform}-${process.arch} ${runtime}`
}
