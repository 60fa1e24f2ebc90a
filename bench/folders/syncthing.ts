import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../testkit/until.ts'
import { cleanly } from '../lib/on-signal.ts'
import { freePort } from './ssh-server.ts'

const LOOPBACK = '127.0.0.1'
const FOLDER = 'tree'
const API_KEY = 'bench'
const OVERDUE_MS = 600_000

export interface SyncthingRun {
  /** From the start of the receiving program until it has everything. */
  seconds: number
  /** The part of it after the two programs were connected. */
  sinceConnected: number
}

/**
 * Syncs the folder `from` to the empty folder `to`: two fresh instances on the loopback, without discovery, relays and
 * NAT. The sending one has scanned its folder before the clock starts.
 */
export async function syncthing(folder: string, from: string, to: string): Promise<SyncthingRun> {
  mkdirSync(folder)
  const [sender, receiver] = [
    await Instance.make(join(folder, 'sender')),
    await Instance.make(join(folder, 'receiver')),
  ]
  mkdirSync(join(to, '.stfolder'), { recursive: true })
  // Syncthing wants an entry that shows that the folder is mounted. In the source, one that is there will do.
  sender.configure(from, 'sendonly', readdirSync(from)[0]!, receiver)
  receiver.configure(to, 'receiveonly', '.stfolder', sender)
  return cleanly(
    async () => {
      sender.start()
      await until(() => sender.isInSync(), OVERDUE_MS)
      const begun = performance.now()
      receiver.start()
      await until(() => receiver.isConnectedTo(sender), OVERDUE_MS)
      const connected = performance.now()
      await until(() => receiver.isInSync(), OVERDUE_MS)
      const done = performance.now()
      return { seconds: (done - begun) / 1000, sinceConnected: (done - connected) / 1000 }
    },
    async () => {
      await Promise.all([sender.stop(), receiver.stop()])
      rmSync(folder, { recursive: true })
    },
  )
}

interface FolderStatus {
  state: string
  globalFiles: number
  needFiles: number
  needDirectories: number
  needSymlinks: number
}

class Instance {
  readonly #home: string
  readonly #id: string
  readonly #port: number
  readonly #apiPort: number
  #program: ChildProcess | null = null

  private constructor(home: string, id: string, port: number, apiPort: number) {
    this.#home = home
    this.#id = id
    this.#port = port
    this.#apiPort = apiPort
  }

  static async make(home: string): Promise<Instance> {
    const run = (...words: string[]): string =>
      execFileSync('syncthing', [...words, `--home=${home}`], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
    run('generate', '--no-default-folder')
    return new Instance(home, run('--device-id').trim(), await freePort(), await freePort())
  }

  configure(path: string, type: string, marker: string, other: Instance): void {
    const devices = [this, other]
    writeFileSync(
      join(this.#home, 'config.xml'),
      `<configuration version="36">
  <folder id="${FOLDER}" path="${path}" type="${type}" rescanIntervalS="0" fsWatcherEnabled="false">
    ${devices.map((device) => `<device id="${device.#id}"></device>`).join('')}
    <minDiskFree unit="%">0</minDiskFree>
    <markerName>${marker}</markerName>
  </folder>
  ${devices.map((device) => `<device id="${device.#id}"><address>tcp://${LOOPBACK}:${device.#port}</address></device>`).join('\n  ')}
  <gui enabled="true" tls="false"><address>${LOOPBACK}:${this.#apiPort}</address><apikey>${API_KEY}</apikey></gui>
  <options>
    <listenAddress>tcp://${LOOPBACK}:${this.#port}</listenAddress>
    <globalAnnounceEnabled>false</globalAnnounceEnabled>
    <localAnnounceEnabled>false</localAnnounceEnabled>
    <relaysEnabled>false</relaysEnabled>
    <natEnabled>false</natEnabled>
    <urAccepted>-1</urAccepted>
    <crashReportingEnabled>false</crashReportingEnabled>
    <startBrowser>false</startBrowser>
    <autoUpgradeIntervalH>0</autoUpgradeIntervalH>
    <setLowPriority>false</setLowPriority>
  </options>
</configuration>
`,
    )
  }

  start(): void {
    const words = ['serve', `--home=${this.#home}`, '--no-browser', '--no-restart', '--no-upgrade']
    this.#program = spawn('syncthing', words, { stdio: 'ignore' })
  }

  async isInSync(): Promise<boolean> {
    const status = await this.#ask<FolderStatus>(`db/status?folder=${FOLDER}`)
    if (status === null || status.state !== 'idle' || status.globalFiles === 0) return false
    return status.needFiles + status.needDirectories + status.needSymlinks === 0
  }

  async isConnectedTo(other: Instance): Promise<boolean> {
    const answer = await this.#ask<{ connections: Record<string, { connected: boolean }> }>(
      'system/connections',
    )
    return answer?.connections[other.#id]?.connected === true
  }

  async stop(): Promise<void> {
    const program = this.#program
    if (program === null || program.exitCode !== null || program.signalCode !== null) return
    const ended = once(program, 'exit')
    program.kill()
    await ended
  }

  /** What the API answers, null while it does not answer. */
  async #ask<T>(what: string): Promise<T | null> {
    const { exitCode } = this.#program!
    if (exitCode !== null) throw new Error(`syncthing ended with ${exitCode}`)
    try {
      const url = `http://${LOOPBACK}:${this.#apiPort}/rest/${what}`
      const response = await fetch(url, { headers: { 'X-API-Key': API_KEY } })
      return response.ok ? ((await response.json()) as T) : null
    } catch {
      return null
    }
  }
}
