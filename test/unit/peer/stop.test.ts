import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PEER = join(import.meta.dirname, '../../../peer/start.ts')
const CLIENT = join(import.meta.dirname, '../../../tracker-client/client.ts')

test('a stopped peer leaves nothing that keeps its process alive', async () => {
  const home = mkdtempSync(join(tmpdir(), 'shoal-stop-'))
  const program = `
    const { startPeer } = await import(${JSON.stringify(PEER)})
    const { TrackerClient } = await import(${JSON.stringify(CLIENT)})
    const client = new TrackerClient({ trackers: ['127.0.0.1:1'] })
    const log = { warn() {}, error: console.error }
    const listen = { host: '127.0.0.1', port: 0 }
    const peer = await startPeer({ home: ${JSON.stringify(home)}, listen, tls: true, client, session: () => null, log })
    await peer.stop()
    console.log('stopped')
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', program])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (output += part))
  try {
    const [code] = await once(child, 'exit', { signal: AbortSignal.timeout(20_000) })
    expect({ code, output }).toEqual({ code: 0, output: 'stopped\n' })
  } finally {
    child.kill('SIGKILL')
    rmSync(home, { recursive: true, force: true })
  }
})
