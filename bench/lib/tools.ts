import { execFileSync, spawnSync } from 'node:child_process'

/** What a bench needs beside Shoal, with the Debian package that has it. */
const PACKAGES = {
  nginx: 'nginx-light',
  aria2c: 'aria2',
  mktorrent: 'mktorrent',
  libtorrent: 'python3-libtorrent',
  ip: 'iproute2',
  tc: 'iproute2',
  sha256sum: 'coreutils',
} as const
export type Tool = keyof typeof PACKAGES | 'root'

/** Debian's interpreter: the one that its python3-libtorrent is for. */
export const PYTHON = '/usr/bin/python3'

/** Those that are not here. */
export function missing(tools: readonly Tool[]): Tool[] {
  return tools.filter((tool) => !isHere(tool))
}

/** Installs the Debian packages of `tools`; throws when apt-get fails. */
export function install(tools: readonly Tool[]): void {
  const packages = [...new Set(tools.flatMap((tool) => (tool === 'root' ? [] : [PACKAGES[tool]])))]
  if (packages.length > 0) execFileSync('apt-get', ['install', '-y', ...packages], { stdio: 'inherit' })
}

function isHere(tool: Tool): boolean {
  if (tool === 'root') return process.getuid?.() === 0
  if (tool === 'libtorrent') return spawnSync(PYTHON, ['-c', 'import libtorrent']).status === 0
  return spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0
}
