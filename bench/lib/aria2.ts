import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, openSync, readSync, statSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'

/** nginx serving `folder` on a free loopback port, and aria2 fetching a Metalink from it. */
export class MetalinkServer {
  readonly #nginx: ReturnType<typeof spawn>
  readonly #metalink: string

  private constructor(nginx: ReturnType<typeof spawn>, metalink: string) {
    this.#nginx = nginx
    this.#metalink = metalink
  }

  /** `work` is an empty folder for configuration; `name` is the file in `folder` to serve. */
  static async start(work: string, folder: string, name: string): Promise<MetalinkServer> {
    mkdirSync(work, { recursive: true })
    const port = await freePort()
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    writeFileSync(
      join(work, 'nginx.conf'),
      `daemon off; worker_processes 2; pid ${work}/nginx.pid; error_log ${work}/error.log;
${process.getuid?.() === 0 ? 'user root;' : ''} events { worker_connections 256; }
http { access_log off; sendfile on; tcp_nopush on;
${temporary.map((kind) => `${kind}_temp_path ${work}/${kind};`).join('\n')}
server { listen 127.0.0.1:${port}; root ${folder}; } }`,
    )
    const nginx = spawn('nginx', ['-c', join(work, 'nginx.conf'), '-p', work], { stdio: 'ignore' })
    await listening(port)
    const metalink = join(work, `${name}.meta4`)
    writeFileSync(metalink, metalinkOf(join(folder, name), name, `http://127.0.0.1:${port}/${name}`))
    return new MetalinkServer(nginx, metalink)
  }

  /** Fetches into `folder`, checking the SHA-256 of each piece. */
  fetch(folder: string): void {
    const options = ['--file-allocation=none', '--split=4', '--max-connection-per-server=4']
    const args = ['-q', '-d', folder, ...options, '--min-split-size=16M', '-M', this.#metalink]
    execFileSync('aria2c', args, { stdio: 'ignore' })
  }

  async stop(): Promise<void> {
    if (this.#nginx.exitCode !== null) return
    const ended = once(this.#nginx, 'exit')
    this.#nginx.kill('SIGTERM')
    await ended
  }
}

/** RFC 5854, with chunk-sized pieces. */
function metalinkOf(path: string, name: string, url: string): string {
  const { size } = statSync(path)
  const fd = openSync(path, 'r')
  const buffer = Buffer.allocUnsafe(CHUNK_SIZE)
  const hashes: string[] = []
  for (let at = 0; at < size; at += CHUNK_SIZE) {
    const n = readSync(fd, buffer, 0, CHUNK_SIZE, at)
    hashes.push(`<hash>${createHash('sha256').update(buffer.subarray(0, n)).digest('hex')}</hash>`)
  }
  return `<?xml version="1.0"?><metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="${name}">
<size>${size}</size><pieces length="${CHUNK_SIZE}" type="sha-256">${hashes.join('')}</pieces>
<url>${url}</url></file></metalink>`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function listening(port: number): Promise<void> {
  for (;;) {
    const socket = createConnection({ port, host: '127.0.0.1' })
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (open) return
    await delay(20)
  }
}
