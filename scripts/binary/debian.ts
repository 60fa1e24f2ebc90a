import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Of } from './paths.ts'

const HELPER = '/usr/lib/apt/apt-helper'

/**
 * Fetches a file of Debian's pool into `folder`, through apt and the mirror that this system uses
 * (DEBIAN_MIRROR names another), and returns its path. Its checksum is what makes it the right one, so no
 * list of packages is fetched and the system's sources stay as they are.
 */
export function fetchFromDebian(
  pool: string,
  { file, sha256 }: { file: string; sha256: string },
  folder: string,
): string {
  const path = join(folder, file)
  const url = `${mirror()}/${pool}/${encodeURIComponent(file)}`
  // As root apt would fetch as another user, who may not write here.
  const options = ['-o', 'APT::Sandbox::User=root', '-qq']
  execFileSync(HELPER, [...options, 'download-file', url, path, `SHA256:${sha256}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (sha256Of(path) !== sha256) throw new Error(`${file} is not the file that is pinned`)
  return path
}

function mirror(): string {
  if (process.env.DEBIAN_MIRROR) return process.env.DEBIAN_MIRROR.replace(/\/$/, '')
  if (!existsSync(HELPER)) throw new Error('this system has no apt to fetch the sources with')
  const words = ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']
  const uris = execFileSync('apt-get', words, { encoding: 'utf8' }).split('\n')
  const found = uris.map((uri) => uri.replace(/\/$/, '')).find((uri) => uri.endsWith('/debian'))
  if (found === undefined) throw new Error('this system uses no Debian mirror: name one in DEBIAN_MIRROR')
  return found
}
