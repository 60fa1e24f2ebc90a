import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

const ROOT = join(import.meta.dirname, '..')
/** The command under test: this checkout's bin/shoal, or SHOAL_BIN, such as the single binary. */
const SHOAL = resolve(process.env.SHOAL_BIN ?? join(ROOT, 'bin/shoal'))
const PASSWORD = 'correct horse battery'
/** Longer than any command takes, but shorter than a test's timeout. */
const OVERDUE_MS = 45_000

export interface RunOptions {
  /** The command's standard input; empty by default. */
  stdin?: string | Buffer
  /** Undefined values are removed from the environment. */
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** A command prefix, for example to run in another network namespace. */
  under?: string[]
  /** After how long the command counts as hanging, for benches; default 45 s. */
  overdueMs?: number
}

export interface Outcome {
  code: number | null
  stdout: Buffer
  stderr: string
}

/**
 * A test's isolated world: a temporary folder with homes and data folders, and every process that ran in it.
 * `close` stops them all, fails if it had to kill any, and removes the folder.
 */
export class World {
  readonly folder = mkdtempSync(join(tmpdir(), 'shoal-e2e-'))
  /** SHOAL_TRACKER for every home. */
  trackers: string[] = []
  readonly #homes = new Map<string, Home>()
  readonly #datas = new Set<string>()

  /** `program` (a path in the checkout) runs the home's commands instead of SHOAL_BIN. */
  home(name: string, program?: string): Home {
    const home = this.#homes.get(name) ?? new Home(this, name, program ? join(ROOT, program) : SHOAL)
    this.#homes.set(name, home)
    return home
  }

  get homeFolders(): string[] {
    return [...this.#homes.values()].map(({ folder }) => folder)
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts)
  }

  /** Starts a tracker replica on one of the world's data folders and waits until it is ready. */
  async tracker(data = 'data', words: string[] = []): Promise<Running> {
    this.#datas.add(data)
    const listen = words.includes('--listen') ? [] : ['--listen', '127.0.0.1:0']
    const line = ['tracker', 'start', ...listen, '--data', this.path(data), ...words]
    const running = await this.home('operator').start(line)
    this.trackers.push(running.ready.url as string)
    return running
  }

  /** Makes a home per name, each with a logged-in user of that name. */
  async users<const Names extends readonly string[]>(
    ...names: Names
  ): Promise<{ -readonly [I in keyof Names]: Home }> {
    const homes: Home[] = []
    for (const name of names) homes.push(await this.home(name).join(name))
    return homes as { -readonly [I in keyof Names]: Home }
  }

  async close(): Promise<void> {
    for (const home of this.#homes.values()) {
      await home.endAll()
      if (existsSync(join(home.folder, 'identity'))) await home.run('peer stop')
    }
    for (const data of [...this.#datas, 'homes/operator/tracker'])
      if (existsSync(this.path(data)))
        await this.home('operator').run(['tracker', 'stop', '--data', this.path(data)])
    const left = processesOf(this.folder)
    for (const { pid } of left) process.kill(pid, 'SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
    if (left.length > 0) throw new Error(`left running: ${left.map(({ command }) => command).join('; ')}`)
  }
}

export class Home {
  readonly folder: string
  /** The logged-in user; empty before `join`. */
  user = ''
  readonly #world: World
  readonly #program: string
  readonly #started: ChildProcess[] = []

  constructor(world: World, name: string, program: string) {
    this.#world = world
    this.#program = program
    this.folder = world.path('homes', name)
    mkdirSync(this.folder, { recursive: true, mode: 0o700 })
  }

  /**
   * Runs a command until it exits. Splits a line at spaces; pass an array if an argument contains one. If the
   * command hangs, throws with a report of what the peers are doing.
   */
  async run(line: string | string[], options: RunOptions = {}): Promise<Outcome> {
    const child = this.spawn(line, options)
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout?.on('data', (part: Buffer) => stdout.push(part))
    child.stderr?.on('data', (part: Buffer) => stderr.push(part))
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.stdin ?? '')
    const signal = AbortSignal.timeout(options.overdueMs ?? OVERDUE_MS)
    const [code] = (await once(child, 'close', { signal }).catch(async (error: unknown) => {
      // Load late, because this imports the whole peer.
      const { hangReport } = await import('./hang-report.ts')
      const report = await hangReport(this.#world.homeFolders)
      throw new Error(`shoal ${line} in ${this.folder}: no end, ${stderr}\n${report}`, { cause: error })
    })) as [number | null]
    return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }
  }

  /** Runs it with --json, expects exit 0 and one JSON document on stdout, and returns the document. */
  async ok<T = Record<string, unknown>>(line: string | string[], options: RunOptions = {}): Promise<T> {
    const outcome = await this.run([...words(line), '--json'], options)
    if (outcome.code !== 0)
      throw new Error(`shoal ${line}: exit ${outcome.code}: ${outcome.stdout}${outcome.stderr}`)
    return JSON.parse(outcome.stdout.toString()) as T
  }

  /** Runs it with --json and returns its failure: the exit status and the error document on stdout. */
  async fails(
    line: string | string[],
    options: RunOptions = {},
  ): Promise<{ exit: number | null; code: string; message: string; hint: string }> {
    const outcome = await this.run([...words(line), '--json'], options)
    const document = JSON.parse(outcome.stdout.toString())
    return { exit: outcome.code, ...document.error }
  }

  /** Starts a command that prints one line of JSON when it is ready and then keeps running. */
  async start(line: string | string[], options: RunOptions = {}): Promise<Running> {
    const child = this.spawn(line, options)
    child.stdin?.end()
    const errors: Buffer[] = []
    child.stderr?.on('data', (part: Buffer) => errors.push(part))
    const ready = await firstLine(child)
    if (ready === null) throw new Error(`shoal ${line}: ${Buffer.concat(errors)}`)
    return new Running(child, JSON.parse(ready))
  }

  /** Registers `user` and logs in here. */
  async join(user: string): Promise<this> {
    await this.ok(['user', 'register', user])
    await this.ok(['user', 'login', user])
    this.user = user
    return this
  }

  /** Adds the users of other homes to a group of this home's user. */
  async admit(group: string, ...homes: readonly Home[]): Promise<void> {
    for (const home of homes) await home.ok(['group', 'join', group])
    await this.ok(['group', 'accept', group, ...homes.map(({ user }) => user)])
  }

  spawn(line: string | string[], options: RunOptions = {}): ChildProcess {
    const [program, ...args] = [...(options.under ?? []), this.#program, ...words(line)] as [
      string,
      ...string[],
    ]
    const child = spawn(program, args, { cwd: options.cwd ?? this.folder, env: this.#env(options) })
    this.#started.push(child)
    return child
  }

  async endAll(): Promise<void> {
    for (const child of this.#started) await end(child, 'SIGTERM')
  }

  #env(options: RunOptions): NodeJS.ProcessEnv {
    const outside = Object.entries(process.env).filter(([name]) => !/^(SHOAL_|NODE_ENV$|DEBUG$)/.test(name))
    return {
      ...Object.fromEntries(outside),
      SHOAL_HOME: this.folder,
      SHOAL_PASSWORD: PASSWORD,
      ...(this.#world.trackers.length > 0 ? { SHOAL_TRACKER: this.#world.trackers.join(',') } : {}),
      ...options.env,
    }
  }
}

/** A tracker or peer in the foreground. */
export class Running {
  readonly ready: Record<string, unknown>
  readonly #child: ChildProcess

  constructor(child: ChildProcess, ready: Record<string, unknown>) {
    this.#child = child
    this.ready = ready
  }

  /**
   * Sends the signal and waits for the exit. Returns the exit status, or null if the signal killed the
   * process.
   */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    return end(this.#child, signal)
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
  return child.exitCode
}

function firstLine(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => {
    if (!child.stdout) return resolve(null)
    const lines = createInterface({ input: child.stdout })
    lines.once('line', resolve)
    lines.once('close', () => resolve(null))
  })
}

const words = (line: string | string[]): string[] => (typeof line === 'string' ? line.split(' ') : line)

/** Processes that have `folder` in their environment or command line; none without /proc. */
function processesOf(folder: string): { pid: number; command: string }[] {
  const pids = readdirOrNone('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  return pids.flatMap((pid) => {
    const command = readOrEmpty(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
    const named = `${command} ${readOrEmpty(`/proc/${pid}/environ`)}`.includes(folder)
    return named && command !== '' ? [{ pid: Number(pid), command }] : []
  })
}

function readdirOrNone(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
