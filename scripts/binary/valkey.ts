import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { LicensedPart } from '../../cli/render/licenses.ts'
import { fetchFromDebian } from './debian.ts'
import { KEPT, ROOT, sha256 } from './paths.ts'
import { chooseRevision } from './revisions.ts'
import pins from './valkey.json' with { type: 'json' }

/** A Redis-compatible server to pack, and its origin. */
export interface Server extends LicensedPart {
  program: string
  sources: { file: string; sha256: string }[]
}

type Revision = (typeof pins.revisions)[number]

const LINUX = process.platform === 'linux'
const MAKE = [
  `CC=${LINUX ? 'musl-gcc' : 'cc'}`,
  'MALLOC=libc',
  'BUILD_TLS=no',
  'USE_SYSTEMD=no',
  'OPTIMIZATION=-O2',
  ...(LINUX ? ['CFLAGS=-static', 'LDFLAGS=-static'] : []),
  'valkey-server',
]

/**
 * Builds the pinned Valkey, or reuses a cached build. If Debian's sources are unavailable, VALKEY_SOURCE
 * names a folder with upstream's. Throws if a tool or the sources are missing.
 */
export function buildValkey(): Server {
  const given = process.env.VALKEY_SOURCE
  if (given) return fromFolder(given)
  const work = mkdtempSync(join(tmpdir(), 'shoal-valkey-'))
  try {
    return fromDebian(choose(work))
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function keptFolder(version: string): string {
  const recipe = sha256(MAKE.join(' ')).slice(0, 8)
  return join(KEPT, `valkey-${version}-${process.platform}-${process.arch}-${recipe}`)
}

function fromDebian(revision: Revision): Server {
  const folder = keptFolder(revision.revision)
  return {
    program: join(folder, 'valkey-server'),
    name: 'valkey',
    version: revision.revision,
    license: pins.license,
    text: readFileSync(join(folder, 'copyright'), 'utf8'),
    sources: [pins.source, revision].map(({ file, sha256 }) => ({ file, sha256 })),
  }
}

/** Builds the newest available pinned revision. Warns if that is not the newest pinned one. */
function choose(work: string): Revision {
  const chosen = chooseRevision(
    pins.revisions,
    ({ revision }) => existsSync(keptFolder(revision)),
    (revision) => tryFetch(revision, work),
    ({ revision }) => console.error(`build: the Debian mirror does not have valkey ${revision}`),
  )
  if (chosen === null) throw new Error('the Debian mirror has none of the pinned Valkey revisions')
  const { revision, packaging } = chosen
  if (packaging !== null) build(revision, packaging, work)
  if (revision !== pins.revisions[0])
    console.error(`build: packing the older valkey ${revision.revision}, which lacks Debian's latest fixes`)
  return revision
}

function build(revision: Revision, packaging: string, work: string): void {
  execFileSync(join(ROOT, 'scripts/ensure-build-tools'), { stdio: 'inherit' })
  const source = fetchFromDebian(pins.pool, pins.source, work)
  const tree = join(work, 'tree')
  mkdirSync(tree)
  execFileSync('tar', ['-xf', source, '-C', tree, '--strip-components=1'])
  execFileSync('tar', ['-xf', packaging, '-C', tree])
  patch(tree)
  make(tree, join(tree, 'debian/copyright'), keptFolder(revision.revision))
}

function tryFetch(revision: Revision, work: string): string | null {
  try {
    return fetchFromDebian(pins.pool, revision, work)
  } catch (error) {
    // Skip only failed downloads; a missing apt or mirror is an error for the user.
    if (!(error instanceof Error && 'status' in error)) throw error
    return null
  }
}

/**
 * Applies the quilt series of Debian's package, as `dpkg-source -x` does. None of the patches is ours:
 * they are Debian's changes to upstream's tarball, security fixes among them.
 */
function patch(tree: string): void {
  const patches = join(tree, 'debian/patches')
  const series = readFileSync(join(patches, 'series'), 'utf8').split('\n')
  for (const name of series.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#')))
    execFileSync('patch', ['-p1', '--silent', '-i', join(patches, name)], { cwd: tree, stdio: 'inherit' })
}

function make(tree: string, copyright: string, folder: string): void {
  const jobs = `-j${availableParallelism()}`
  execFileSync('make', [jobs, '--silent', ...MAKE], {
    cwd: join(tree, 'src'),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const built = join(tree, 'src/valkey-server')
  execFileSync('strip', [built])
  const partial = `${folder}.${process.pid}`
  mkdirSync(partial, { recursive: true })
  copyFileSync(built, join(partial, 'valkey-server'))
  copyFileSync(copyright, join(partial, 'copyright'))
  mkdirSync(dirname(folder), { recursive: true })
  rmSync(folder, { recursive: true, force: true })
  renameSync(partial, folder)
}

function fromFolder(source: string): Server {
  const version = /VALKEY_VERSION "([^"]+)"/.exec(readFileSync(join(source, 'src/version.h'), 'utf8'))?.[1]
  if (version === undefined) throw new Error(`${source} holds no Valkey sources`)
  const folder = keptFolder(`${version}-given`)
  const work = mkdtempSync(join(tmpdir(), 'shoal-valkey-'))
  try {
    const tree = join(work, 'tree')
    cpSync(source, tree, { recursive: true })
    make(tree, join(tree, 'COPYING'), folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  const text = readFileSync(join(folder, 'copyright'), 'utf8')
  const program = join(folder, 'valkey-server')
  return { program, name: 'valkey', version, license: pins.license, text, sources: [] }
}
