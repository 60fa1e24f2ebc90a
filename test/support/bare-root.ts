import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ownNamespaces } from '../../testkit/namespaces.ts'

/** Enters a root folder with the system's /dev and /proc, as a container engine does, and runs /shoal there. */
const ENTER = `
/bin/mount --rbind /dev "$1/dev" && /bin/mount --rbind /proc "$1/proc" || exit 1
root=$1
shift 2
exec /usr/sbin/chroot "$root" /shoal "$@"`

/**
 * Makes `folder` a root folder that holds only the program and its libraries: no shell, no users, no Node, no
 * Redis. Returns the command prefix that runs the program there (RunOptions.under). Needs Linux, and root or
 * a user who may make namespaces.
 */
export function bareRoot(folder: string, program: string): string[] {
  for (const name of ['dev', 'proc', 'home', 'data']) mkdirSync(join(folder, name), { recursive: true })
  put(folder, program, '/shoal')
  for (const library of librariesOf(program)) put(folder, library, library)
  return ownNamespaces([], ENTER, folder)
}

function put(root: string, file: string, at: string): void {
  mkdirSync(join(root, dirname(at)), { recursive: true })
  copyFileSync(file, join(root, at))
  chmodSync(join(root, at), 0o755)
}

/** Paths of the libraries that a program links, including the loader. */
export function librariesOf(program: string): string[] {
  const lines = execFileSync('ldd', [program], { encoding: 'utf8' }).split('\n')
  return lines.map((line) => /(\/\S+)/.exec(line)?.[1]).filter((path) => path !== undefined)
}
