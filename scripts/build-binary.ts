import { execFileSync } from 'node:child_process'
import { globSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { bundle } from './binary/bundle.ts'
import { buildCodeCache } from './binary/code-cache.ts'
import { buildKeeper } from './binary/keeper.ts'
import { carriedByPlugins, nodePart, ownPart, packagesOf } from './binary/packages.ts'
import { DIST, ROOT, sha256Of, WORK } from './binary/paths.ts'
import { sbom } from './binary/sbom.ts'
import { buildExecutable } from './binary/sea.ts'
import { buildValkey, type Server } from './binary/valkey.ts'

/**
 * Makes dist/shoal for this machine: Shoal, Node.js and a Redis-compatible server in one file. Beside it go
 * the list of contents (CycloneDX) and the checksums. `npm run build:binary -- --help` lists the options.
 */
const USAGE = `npm run build:binary -- [--redis-server build|none|PATH]

  build  build the pinned Valkey, or fail
  none   pack no server: the binary uses an installed one
  PATH   pack this program (of this system; statically linked if the binary must run anywhere)
  
  Without the option: "build", but if that fails "none" with a warning.

VALKEY_SOURCE=DIR   build Valkey from the sources in DIR instead of Debian's
DEBIAN_MIRROR=URL   fetch Debian's sources from this mirror instead of the system's`

const { values } = parseArgs({ options: { 'redis-server': { type: 'string' }, help: { type: 'boolean' } } })
if (values.help) console.log(USAGE)
else await main(values['redis-server']).catch(tell)

function tell(error: Error): void {
  console.error(`build: ${process.env.DEBUG ? error.stack : error.message}`)
  process.exitCode = 1
}

async function main(wanted: string | undefined): Promise<void> {
  rmSync(WORK, { recursive: true, force: true })
  mkdirSync(WORK, { recursive: true })
  const server = chooseServer(wanted)
  const scripts = {
    main: await bundle('bin/binary.ts', 'main.cjs'),
    app: await bundle('bin/start.ts', 'app.cjs', true),
    fetch: await bundle('peer/fetch/thread.ts', 'fetch-thread.cjs'),
    hash: await bundle('peer/hash/thread.ts', 'hash-thread.cjs'),
    tree: await bundle('peer/tree/thread.ts', 'tree-thread.cjs'),
  }
  const carried = carriedByPlugins()
  const packages = packagesOf([...Object.values(scripts).flatMap(({ inputs }) => inputs), ...carried])
  const licenses = join(WORK, 'licenses.json')
  const parts = [ownPart(), nodePart(), ...(server ? [server] : []), ...packages]
  writeFileSync(
    licenses,
    JSON.stringify(parts.map(({ name, version, license, text }) => ({ name, version, license, text }))),
  )

  const out = join(DIST, 'shoal')
  buildExecutable({
    main: scripts.main.file,
    out,
    assets: {
      'bin/app.cjs': scripts.app.file,
      'bin/app.cache': buildCodeCache(scripts.app.file),
      'peer/fetch/thread.cjs': scripts.fetch.file,
      'peer/hash/thread.cjs': scripts.hash.file,
      'peer/tree/thread.cjs': scripts.tree.file,
      'cli/render/licenses.json': licenses,
      ...redisPrograms(server, wanted === 'build'),
      ...filesAt(carried),
      ...filesAt(globSync(['tracker-store/scripts/*.lua', 'plugins/*/assets/**'], { cwd: ROOT })),
    },
  })
  const bom = `${out}.cdx.json`
  writeFileSync(bom, `${JSON.stringify(sbom(server, packages, sha256Of(process.execPath)), null, 2)}\n`)
  const sums = [out, bom].map((file) => `${sha256Of(file)}  ${basename(file)}\n`).join('')
  writeFileSync(join(DIST, 'SHA256SUMS'), sums)
  report(out, server)
}

/** Embeds files that the program reads at run time, under their paths from the folder of package.json. */
function filesAt(paths: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    paths.map((path) => [path, join(ROOT, path)] as const).filter(([, file]) => statSync(file).isFile()),
  )
}

/** The server, and the keeper, which an installed server needs too. */
function redisPrograms(server: Server | null, required: boolean): Record<string, string> {
  const programs: Record<string, string> = server
    ? { 'redis/embedded/packed/valkey-server': server.program }
    : {}
  try {
    return { ...programs, 'redis/embedded/packed/keeper': buildKeeper() }
  } catch (error) {
    if (required) throw error
    console.error(`build: packing no keeper, so the binary needs a shell: ${(error as Error).message}`)
    return programs
  }
}

function chooseServer(wanted: string | undefined): Server | null {
  if (wanted === 'none') return null
  if (wanted !== undefined && wanted !== 'build') return given(resolve(wanted))
  try {
    return buildValkey()
  } catch (error) {
    if (wanted === 'build') throw error
    console.error(`build: packing no Redis server: ${(error as Error).message}`)
    console.error('build: pass one with --redis-server PATH, or see --help')
    return null
  }
}

function given(program: string): Server {
  const said = execFileSync(program, ['--version'], { encoding: 'utf8' })
  const version = /v=(\S+)/.exec(said)?.[1]
  if (version === undefined) throw new Error(`${program} does not identify itself as a Redis server: ${said}`)
  const name = /valkey/i.test(said) ? 'valkey' : 'redis'
  return { program, name, version, license: 'unknown', text: '', sources: [] }
}

function report(out: string, server: Server | null): void {
  const mebibytes = (statSync(out).size / 2 ** 20).toFixed(0)
  console.log(
    `${out}: ${mebibytes} MiB, ${server ? `with ${server.name} ${server.version}` : 'without a Redis server'}`,
  )
}
