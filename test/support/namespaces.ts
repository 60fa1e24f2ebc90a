/**
 * The words that run a program in mounts of its own, and in namespaces of the further `kinds` (unshare(1)): `script`
 * prepares the place with `args` ($1 and so on), with the program's own words behind them, and runs it. Of the mounts
 * nothing is left when the last process has ended. Linux; as root, or where a user may make namespaces.
 */
export function ownNamespaces(kinds: readonly 'net'[], script: string, ...args: string[]): string[] {
  const asUser = process.getuid?.() === 0 ? [] : ['--map-root-user']
  const own = ['mount', ...kinds].map((kind) => `--${kind}`)
  const shell = ['/bin/sh', '-c', script, 'enter']
  return ['/usr/bin/unshare', ...asUser, ...own, '--propagation', 'private', ...shell, ...args]
}
