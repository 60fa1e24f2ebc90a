import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { mustBeSame } from './lib/files.ts'

const lib = (name: string): string => join(import.meta.dirname, 'lib', name)

/**
 * Seconds to copy `source` through a socket into `target` with hashing: two Node processes, no protocol. With
 * `pem`, a file with key and certificate, it uses TLS as peers do.
 */
export async function bareCopy(source: string, target: string, pem?: string): Promise<number> {
  const server = spawn(process.execPath, [lib('copy-server.ts'), source, ...(pem ? [pem] : [])], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    const [port] = (await once(createInterface({ input: server.stdout }), 'line')) as [string]
    const client = await promisify(execFile)(process.execPath, [
      lib('copy-client.ts'),
      port,
      target,
      ...(pem ? ['tls'] : []),
    ])
    mustBeSame(source, target)
    return Number(client.stdout)
  } finally {
    const ended = once(server, 'exit')
    server.stdin.end()
    await ended
    rmSync(target, { force: true })
  }
}
