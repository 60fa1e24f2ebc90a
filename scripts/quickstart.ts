import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { formatBytes } from '../cli/text/format.ts'

/**
 * Demonstrates Shoal with its own commands on this machine: two trackers, three users, a group, and one file
 * that the second user fetches from the first, and the third from both.
 */
/** SHOAL_BIN names another program than the checkout's, such as the single binary. */
const SHOAL = resolve(process.env.SHOAL_BIN || join(import.meta.dirname, '../bin/shoal'))
const SAMPLE_BYTES = 64 * 1024 * 1024
/** A shorter file has too few extents to spread, so it may come from a single peer. */
const SPREAD_BYTES = 64 * 1024 * 1024
const USERS = ['ada', 'bob', 'cyd'] as const
type User = (typeof USERS)[number]

const folder = mkdtempSync(join(tmpdir(), 'shoal-quickstart-'))
const data = join(folder, 'tracker')
/** The environment without the caller's own Shoal settings. */
const environment: NodeJS.ProcessEnv = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('SHOAL_') || name === 'SHOAL_REDIS_BIN'),
  ),
  SHOAL_PASSWORD: randomBytes(12).toString('hex'),
}
let interrupted: NodeJS.Signals | null = null

process.on('SIGINT', () => {
  interrupted ??= 'SIGINT'
})
process.on('SIGTERM', () => {
  interrupted ??= 'SIGTERM'
})

try {
  await main(process.argv[2])
} catch (error) {
  console.error(interrupted ? '\nStopped.' : `\nquickstart: ${(error as Error).message}`)
  process.exitCode = interrupted === 'SIGINT' ? 130 : interrupted === 'SIGTERM' ? 143 : 1
} finally {
  await cleanUp()
}

async function main(given: string | undefined): Promise<void> {
  const file = given === undefined ? makeSample() : resolve(given)
  const { size } = await stat(file)
  for (const user of USERS) mkdirSync(join(folder, user))
  say(`Each user has a home of its own, for example SHOAL_HOME=${join(folder, 'ada', 'home')}`)

  say('\nTwo trackers, replicas on one embedded Redis:')
  await startTrackers()
  say('\nThree users:')
  for (const user of USERS) {
    await shoal(user, ['user', 'register', user])
    await shoal(user, ['user', 'login', user])
  }
  say('\nA group, which ada owns:')
  await shoal('ada', ['group', 'create', 'team'])
  await shoal('bob', ['group', 'join', 'team'])
  await shoal('cyd', ['group', 'join', 'team'])
  await shoal('ada', ['group', 'requests', 'team'])
  await shoal('ada', ['group', 'accept', 'team', 'bob', 'cyd'])

  say(`\nA file of ${formatBytes(size)}, served from its place on disk:`)
  await shoal('ada', ['peer', 'upload', file, '--group', 'team'])
  const target = `team:${basename(file)}`
  say('\nbob fetches it from ada and then serves it too:')
  await shoal('bob', ['peer', 'download', target])
  await shoal('ada', ['group', 'files', 'team'])
  say('\ncyd fetches it from both; --json is for scripts:')
  const answer = await shoal('cyd', ['peer', 'download', target, '--json'])
  await checkHolders(JSON.parse(answer).files[0].peers, size)

  say('\nThe three copies are the same:')
  await compare([file, join(folder, 'bob', basename(file)), join(folder, 'cyd', basename(file))])
}

function makeSample(): string {
  const file = join(folder, 'sample.bin')
  writeFileSync(file, randomBytes(SAMPLE_BYTES))
  return file
}

async function startTrackers(): Promise<void> {
  const urls: string[] = []
  for (let replica = 0; replica < 2; replica++) {
    const words = ['tracker', 'start', '--detach', '--listen', '127.0.0.1:0', '--data', data]
    urls.push(JSON.parse(await shoal('ada', words)).url)
  }
  environment.SHOAL_TRACKER = urls.join(',')
  say(`$ export SHOAL_TRACKER=${environment.SHOAL_TRACKER}`)
  say('$ export SHOAL_PASSWORD=…')
}

async function checkHolders(peers: { peer: string; bytes: number }[], size: number): Promise<void> {
  if (peers.length < 2 && size >= SPREAD_BYTES) throw new Error('cyd got the whole file from one peer')
  if (peers.length < 2) return say('(The file is so short that one peer was enough.)')
  const ids = new Map<string, string>()
  for (const user of ['ada', 'bob'] as const)
    ids.set(JSON.parse(await shoal(user, ['peer', 'status', '--json'], { quiet: true })).peer, user)
  say(
    `cyd took ${peers.map(({ peer, bytes }) => `${formatBytes(bytes)} from ${ids.get(peer)}`).join(' and ')}.`,
  )
}

async function compare(files: readonly string[]): Promise<void> {
  const hashes = new Set<string>()
  for (const file of files) {
    const hash = createHash('sha256')
    for await (const part of createReadStream(file)) hash.update(part as Buffer)
    const hex = hash.digest('hex')
    hashes.add(hex)
    say(`${hex}  ${file}`)
  }
  if (hashes.size > 1) throw new Error('the copies differ')
}

/** Runs a command as `user`, showing the line a user would type and its output. Returns its stdout. */
async function shoal(user: User, words: string[], options: { quiet?: boolean } = {}): Promise<string> {
  if (interrupted) throw new Error('interrupted')
  if (!options.quiet) say(`${user}$ bin/shoal ${words.join(' ')}`)
  // Inherit stderr, so that the progress bar appears on a terminal.
  const child = spawn(SHOAL, words, {
    cwd: join(folder, user),
    env: { ...environment, SHOAL_HOME: join(folder, user, 'home') },
    stdio: ['ignore', 'pipe', 'inherit'],
    // Keep Ctrl-C from the clean-up commands.
    detached: options.quiet === true,
  })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    if (!options.quiet) process.stdout.write(text)
  })
  const code = await new Promise<number | null>((end, fail) => child.once('close', end).once('error', fail))
  if (code !== 0) throw new Error(`shoal ${words.join(' ')} exited with ${code}`)
  return stdout
}

async function cleanUp(): Promise<void> {
  const reason = interrupted
  interrupted = null
  try {
    for (const user of USERS) await shoal(user, ['peer', 'stop'], { quiet: true })
    await shoal('ada', ['tracker', 'stop', '--data', data], { quiet: true })
    // rmSync silently leaves files behind if something else removes one at the same time.
    await rm(folder, { recursive: true, force: true })
    say(`\nStopped everything and removed ${folder}.${reason ? '' : ' Next: README.md'}`)
  } catch (error) {
    console.error(`quickstart: could not clean up ${folder}: ${(error as Error).message}`)
    process.exitCode ||= 1
  }
}

function say(text: string): void {
  console.log(text)
}
