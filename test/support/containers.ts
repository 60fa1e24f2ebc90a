import { execFile, execFileSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../testkit/redis-process.ts'
import { ADDRESS_LINE, freeNetwork, serviceAddresses, writeAddressingPodman } from './fixed-addresses.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
/** The images that docker/ names. We build them instead of pulling: a Debian with the programs used here. */
const IMAGES = ['debian:bookworm-slim', 'redis:7.4-bookworm']
const BASE_PACKAGES = 'libatomic1,libstdc++6,ca-certificates,redis-server'

/** Isolated containers: images, containers, networks and volumes are in a temporary folder, which `close` removes. */
export class Containers {
  readonly folder = mkdtempSync(join(tmpdir(), 'shoal-containers-'))
  readonly #env: NodeJS.ProcessEnv
  readonly #project: string
  readonly #net = freeNetwork()

  constructor(project: string) {
    this.#project = project
    writeFileSync(join(this.folder, 'containers.conf'), configuration(this.folder))
    writeFileSync(join(this.folder, 'storage.conf'), storage(this.folder))
    writeFileSync(hostsFile(this.folder), '')
    this.#env = {
      ...process.env,
      SHOAL_NET: this.#net,
      CONTAINERS_CONF: join(this.folder, 'containers.conf'),
      CONTAINERS_STORAGE_CONF: join(this.folder, 'storage.conf'),
    }
  }

  /** Makes the images, from dist/shoal and a local base, and the secrets. */
  async build(): Promise<void> {
    mkdirSync(join(this.folder, 'dist'))
    copyFileSync(join(root, 'dist/shoal'), join(this.folder, 'dist/shoal'))
    cpSync(join(root, 'docker'), join(this.folder, 'docker'), { recursive: true })
    rmSync(join(this.folder, 'docker/secrets'), { recursive: true, force: true })
    mkdirSync(join(this.folder, 'docker/files'), { recursive: true })
    for (const image of IMAGES) await this.podman('import', '-q', baseArchive(), image)
    const file = join(this.folder, 'docker/Dockerfile')
    await this.#run('buildah', [
      'bud',
      '--isolation',
      'chroot',
      '-q',
      '-f',
      file,
      '-t',
      'shoal:latest',
      this.folder,
    ])
    await this.#run(join(this.folder, 'docker/make-secrets'), [])
  }

  async podman(...words: string[]): Promise<string> {
    return (await this.#run('podman', words)).trim()
  }

  async up(file: string): Promise<void> {
    for (const n of [1, 2, 3]) this.#env[`SHOAL_PORT_${n}`] ??= String(await freePort())
    await this.#makeNetwork(file)
    await this.#compose(file, 'up', '-d', '--no-build')
  }

  async down(file: string): Promise<void> {
    await this.#compose(file, 'down', '-v', '-t', '5')
  }

  name(service: string): string {
    return `${this.#project}_${service}_1`
  }

  /** Runs a Shoal command in a service's container. */
  async shoal(service: string, ...words: string[]): Promise<string> {
    return this.podman('exec', this.name(service), '/usr/bin/shoal', ...words)
  }

  /** Runs a Shoal command in a new container on the fleet's network. A volume keeps its home. */
  async shoalIn(home: string, trackers: string, ...words: string[]): Promise<string> {
    const place = [
      '--rm',
      '--init',
      '--read-only',
      '--net',
      `${this.#project}_default`,
      '-v',
      `${home}:/data`,
    ]
    const env = ['-e', `SHOAL_TRACKER=${trackers}`, '-e', 'SHOAL_PASSWORD=correct horse battery']
    return this.podman('run', ...place, ...env, 'shoal:latest', ...words)
  }

  /** The path of a volume's file on this machine. */
  async path(volume: string, file: string): Promise<string> {
    return join(await this.podman('volume', 'inspect', volume, '--format', '{{.Mountpoint}}'), file)
  }

  async close(): Promise<void> {
    const left = (await this.podman('ps', '-aq')).split('\n').filter(Boolean)
    if (left.length > 0) await this.podman('rm', '-f', '-t', '0', ...left)
    await this.podman('network', 'prune', '-f')
    await this.podman('system', 'reset', '-f').catch(() => {})
    rmSync(this.folder, { recursive: true, force: true })
  }

  #compose(file: string, ...words: string[]): Promise<string> {
    const path = join(this.folder, 'docker', file)
    const place = ['--podman-path', join(this.folder, 'podman'), '-p', this.#project, '-f', path]
    return this.#run('podman-compose', [...place, ...words])
  }

  /** Does what podman-compose cannot: sets the network's addresses and containers' fixed addresses. */
  async #makeNetwork(file: string): Promise<void> {
    const compose = readFileSync(join(root, 'docker', file), 'utf8')
    const text = compose.replaceAll(/\$\{SHOAL_NET:-[^}]*\}/g, this.#net)
    const addresses = [...serviceAddresses(text, this.#net)]
    writeAddressingPodman(
      join(this.folder, 'podman'),
      addresses.map(([service, address]) => [this.name(service), address]),
    )
    writeFileSync(hostsFile(this.folder), addresses.map(([name, address]) => `${address} ${name}\n`).join(''))
    writeFileSync(join(this.folder, 'docker', file), text.replaceAll(ADDRESS_LINE, ''))
    const network = `${this.#project}_default`
    await this.podman('network', 'rm', '-f', network)
    const [subnet, range] = [`${this.#net}.0/24`, `${this.#net}.128/25`]
    await this.podman('network', 'create', '--subnet', subnet, '--ip-range', range, network)
  }

  async #run(program: string, words: string[]): Promise<string> {
    const options = { env: this.#env, maxBuffer: 64 * 1024 * 1024 }
    return (await run(program, words, options)).stdout
  }
}

/**
 * The hosts file that containers start with. The tests resolve names by it, since podman's name server sometimes goes
 * silent when a container starts or stops, until the next one does.
 */
const hostsFile = (folder: string): string => join(folder, 'hosts')

/** The base image's root folder as an archive, built once and cached. */
function baseArchive(): string {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'shoal/containers')
  const archive = join(cache, 'bookworm.tar')
  if (existsSync(archive)) return archive
  mkdirSync(cache, { recursive: true })
  const work = mkdtempSync(join(cache, 'work-'))
  try {
    const system = join(work, 'system')
    execFileSync('debootstrap', ['--variant=minbase', `--include=${BASE_PACKAGES}`, 'bookworm', system])
    execFileSync('tar', ['-C', system, '--exclude=./var/cache/apt/*', '-cf', join(work, 'tar'), '.'])
    renameSync(join(work, 'tar'), archive)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return archive
}

const configuration = (folder: string): string => `[containers]
default_ulimits = ["nofile=20000:20000","nproc=20000:20000"]
log_driver = "k8s-file"
base_hosts_file = "${hostsFile(folder)}"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "${folder}/tmp"
[network]
network_backend = "netavark"
network_config_dir = "${folder}/networks"
`

const storage = (folder: string): string => `[storage]
driver = "overlay"
graphroot = "${folder}/graph"
runroot = "${folder}/run"
`
