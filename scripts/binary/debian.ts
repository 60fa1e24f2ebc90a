import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Of } from './paths.ts'

const HELPER = '/usr/lib/apt/apt-helper'

/**
 * Downloads a file of Debian's pool into `folder` and returns its path. It uses apt and this system's mirror
 * (or DEBIAN_MIRROR). The checksum proves the file, so this needs no package list and leaves the system's
 * sources alone.
 */
export function fetchFromDebian(
  pool: string,
  { file, sha256 }: { file: string; sha256: string },
  folder: string,
): string {
  const path = join(folder, file)
  const url = `${mirror()}/${pool}/${encodeURIComponent(file)}`
  // As root, apt would drop to a user who may not write here.
  const options = ['-o', 'APT::Sandbox::User=root', '-qq']
  execFileSync(HELPER, [...options, 'download-file', url, path, `SHA256:${sha256}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (sha256Of(path) !== sha256) throw new Error(`${file} does not match its pinned checksum`)
  return path
}

function mirror(): string {
  if (process.env.DEBIAN_MIRROR) return process.env.DEBIAN_MIRROR.replace(/\/$/, '')
  if (!existsSync(HELPER)) throw new Error('fetching the sources needs apt, which this system lacks')
  const words = ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']
  const uris = execFileSync('apt-get', words, { encoding: 'utf8' }).split('\n')
  const found = uris.map((uri) => uri.replace(/\/$/, '')).find((uri) => uri.endsWith('/debian'))
  if (found === undefined) throw new Error('this system uses no Debian mirror: set DEBIAN_MIRROR to one')
  return found
}
