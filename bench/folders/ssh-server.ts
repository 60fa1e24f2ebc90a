import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { until } from '../../testkit/until.ts'
import { cleanly } from '../lib/on-signal.ts'
import { programPath } from '../lib/tools.ts'

const LOOPBACK = '127.0.0.1'
const CIPHER = 'aes128-gcm@openssh.com'

/** An SSH server on a port of the loopback, with keys and a configuration of its own in `folder`. */
export class SshServer {
  readonly #shell: string

  private constructor(shell: string) {
    this.#shell = shell
  }

  static async with<T>(folder: string, use: (server: SshServer) => Promise<T>): Promise<T> {
    mkdirSync(folder, { mode: 0o700 })
    const path = (name: string): string => join(folder, name)
    for (const key of ['host', 'user'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path(key)])
    // The server separates privileges through this folder, which Debian makes when its service starts.
    if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true })
    const port = await freePort()
    const config = {
      ListenAddress: `${LOOPBACK}:${port}`,
      HostKey: path('host'),
      AuthorizedKeysFile: path('user.pub'),
      PidFile: 'none',
      StrictModes: 'no',
      UsePAM: 'no',
      PermitRootLogin: 'prohibit-password',
      PasswordAuthentication: 'no',
    }
    const lines = Object.entries(config).map(([key, value]) => `${key} ${value}\n`)
    writeFileSync(path('config'), lines.join(''))
    // sshd runs itself again for each connection, so it insists on an absolute path.
    const server = spawn(programPath('sshd')!, ['-D', '-e', '-f', path('config')], { stdio: 'ignore' })
    const ended = once(server, 'exit')
    const options = [
      '-q',
      ...['-F', 'none'],
      ...['-o', 'StrictHostKeyChecking=no'],
      ...['-o', 'UserKnownHostsFile=/dev/null'],
      ...['-o', 'IdentitiesOnly=yes'],
      ...['-i', path('user'), '-c', CIPHER, '-p', String(port)],
    ]
    return cleanly(
      async () => {
        await Promise.race([
          until(() => accepts(port)),
          ended.then(() => {
            throw new Error('sshd exited early')
          }),
        ])
        return use(new SshServer(['ssh', ...options].join(' ')))
      },
      async () => {
        server.kill()
        await ended
      },
    )
  }

  /** Seconds of `rsync -a` from the folder `from` on the server into the folder `to`. */
  rsync(from: string, to: string): Promise<number> {
    return timedRsync('-e', this.#shell, `${LOOPBACK}:${from}/`, `${to}/`)
  }
}

/** Seconds of `rsync -a` between two folders of this machine. */
export const localRsync = (from: string, to: string): Promise<number> => timedRsync(`${from}/`, `${to}/`)

async function timedRsync(...words: string[]): Promise<number> {
  const begun = performance.now()
  const rsync = spawn('rsync', ['-a', ...words], { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(rsync, 'exit')
  if (code !== 0) throw new Error(`rsync ended with ${code}`)
  return (performance.now() - begun) / 1000
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, LOOPBACK)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, LOOPBACK)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
