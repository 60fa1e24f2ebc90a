/**
 * A command prefix that runs a program with mounts of its own, and in further namespaces (`kinds`,
 * unshare(1)). `script` gets `args` ($1 and so on) and then the program's command line; it prepares the
 * environment and runs the program. The mounts disappear with the last process. Needs Linux, and root or a
 * user who may make namespaces.
 */
export function ownNamespaces(kinds: readonly 'net'[], script: string, ...args: string[]): string[] {
  const asUser = process.getuid?.() === 0 ? [] : ['--map-root-user']
  const own = ['mount', ...kinds].map((kind) => `--${kind}`)
  const shell = ['/bin/sh', '-c', script, 'enter']
  return ['/usr/bin/unshare', ...asUser, ...own, '--propagation', 'private', ...shell, ...args]
}
