import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Programs that benches need beside Shoal, with their Debian packages. */
const PACKAGES = {
  nginx: 'nginx-light',
  aria2c: 'aria2',
  mktorrent: 'mktorrent',
  libtorrent: 'python3-libtorrent',
  ip: 'iproute2',
  tc: 'iproute2',
  sha256sum: 'coreutils',
  taskset: 'util-linux',
  wrk: 'wrk',
  rsync: 'rsync',
  ssh: 'openssh-client',
  sshd: 'openssh-server',
  syncthing: 'syncthing',
} as const

/**
 * npm packages that we only compare with. They live in bench/node_modules, apart from Shoal's dependencies.
 */
const CONTENDERS = { 'bittorrent-tracker': '11.2.3' } as const
const BENCH = join(import.meta.dirname, '..')

type Contender = keyof typeof CONTENDERS
export type Tool = keyof typeof PACKAGES | Contender | 'root'

/** Debian's interpreter, which its python3-libtorrent is built for. */
export const PYTHON = '/usr/bin/python3'

/** The tools that are not installed. */
export function missing(tools: readonly Tool[]): Tool[] {
  return tools.filter((tool) => !isHere(tool))
}

/** Installs the Debian and npm packages of `tools`. Throws if that fails. */
export function install(tools: readonly Tool[]): void {
  const packages = new Set(
    tools.flatMap((tool) => (tool in PACKAGES ? PACKAGES[tool as keyof typeof PACKAGES] : [])),
  )
  // Debian's scripts start no service in runlevel 1: the benches start what they need themselves.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const apt = (...words: string[]) => execFileSync('apt-get', words, { stdio: 'inherit', env })
  if (packages.size > 0) {
    apt('update')
    apt('install', '-y', '--no-install-recommends', ...packages)
  }
  const contenders = tools.filter(isContender).map((name) => `${name}@${CONTENDERS[name]}`)
  if (contenders.length === 0) return
  const how = ['--no-save', '--no-package-lock', '--omit=optional', '--ignore-scripts']
  execFileSync('npm', ['install', '--prefix', BENCH, ...how, ...contenders], { stdio: 'inherit' })
}

function isHere(tool: Tool): boolean {
  if (tool === 'root') return process.getuid?.() === 0
  if (tool === 'libtorrent') return spawnSync(PYTHON, ['-c', 'import libtorrent']).status === 0
  if (isContender(tool)) return existsSync(join(BENCH, 'node_modules', tool))
  return programPath(tool) !== null
}

/** The path of an installed program, or null. Servers are in /usr/sbin, which only root's PATH holds. */
export function programPath(name: string): string | null {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }
  return spawnSync('sh', ['-c', `command -v ${name}`], { env, encoding: 'utf8' }).stdout.trim() || null
}

const isContender = (tool: Tool): tool is Contender => tool in CONTENDERS
