import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { Catalog } from '../../../peer/serve/catalog.ts'
import { type ChunkServer, startChunkServer } from '../../../peer/serve/chunk-server.ts'
import { GrantVerifier } from '../../../peer/serve/grant-verifier.ts'
import { Library, type SeenPeer } from '../../../peer/serve/library.ts'
import { Memberships } from '../../../peer/serve/memberships.ts'
import { Seeds } from '../../../peer/serve/seeds.ts'
import { makeSnapshot, type Snapshot } from '../../../peer/tree/snapshot.ts'
import { ByteLimit } from '../../../peer/wire/byte-limit.ts'
import { type Identity, loadIdentity } from '../../../peer/wire/identity.ts'
import { CHUNK_SIZE } from '../../../protocol/chunking.ts'
import { filePath } from '../../../protocol/peer-wire.ts'
import type { Content } from './content.ts'
import { seconds, TestKeys } from './grants.ts'
import { noTrees } from './no-trees.ts'

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  /** The error code in the body, if any. */
  code: string | null
}

export interface Ask {
  method?: string
  path?: string
  grant?: string | null
  range?: string
  headers?: Record<string, string>
  /** The requesting peer; null sends no certificate. */
  as?: Identity | null
}

/** A real chunk server over TLS, with a catalog and files in a temporary home, and clients for it. */
export class ServeFixture {
  readonly folder = mkdtempSync(join(tmpdir(), 'shoal-serve-'))
  readonly keys = new TestKeys()
  readonly library = new Library()
  readonly memberships = new Memberships()
  readonly grants = new GrantVerifier(this.keys, this.memberships)
  readonly limit = new ByteLimit(0)
  readonly seen: SeenPeer[] = []
  readonly errors: Error[] = []
  readonly warnings: string[] = []
  readonly trees = noTrees(join(this.folder, 'self'))
  catalog!: Catalog
  seeds!: Seeds
  server!: ChunkServer
  /** The serving peer, and a fetching one. */
  self!: Identity
  client!: Identity

  async open(): Promise<void> {
    this.self = await this.identity('self')
    this.client = await this.identity('client')
    this.catalog = new Catalog(join(this.folder, 'self'))
    this.seeds = new Seeds(this.catalog, this.library, this.trees, (message) => this.warnings.push(message))
    // The member that TestKeys signs for.
    for (const group of ['team', 'other']) this.memberships.sync(group, ['ann'], seconds())
    this.server = await startChunkServer({
      identity: this.self,
      tls: true,
      host: '127.0.0.1',
      port: 0,
      library: this.library,
      trees: this.trees.store,
      grants: this.grants,
      limit: this.limit,
      onSent: () => {},
      onSeen: (peer) => this.seen.push(peer),
      onError: (error) => this.errors.push(error),
    })
  }

  async close(): Promise<void> {
    await this.server.close()
    await this.trees.pool.close()
    this.catalog.close()
    rmSync(this.folder, { recursive: true })
  }

  identity(name: string): Promise<Identity> {
    mkdirSync(join(this.folder, name), { recursive: true })
    return loadIdentity(join(this.folder, name))
  }

  /** Writes the file and serves it in `group`; returns its path. */
  async share(content: Content, name: string, group = 'team'): Promise<string> {
    const path = join(this.folder, name)
    writeFileSync(path, content.data)
    const { mtimeNs, ino } = statSync(path, { bigint: true })
    const { fileId, size } = content
    await this.seeds.add({ group, name, path, fileId, size, mtimeNs, ino, fault: null }, content.hashes)
    return path
  }

  /** Publishes the folder at `path` as a snapshot, and serves it in `group`. */
  async shareFolder(path: string, name: string, group = 'team'): Promise<Snapshot> {
    const options = { exclude: [], include: [], keepsLinks: false, allowsCollisions: false }
    const told = { earlier: null, begin: () => {}, progress: () => {} }
    const signal = new AbortController().signal
    const snapshot = await makeSnapshot(path, options, this.trees.pool, told, signal)
    const { fileId, size, trailer, hashes } = snapshot
    await this.trees.store.save(fileId, trailer, size)
    const { mtimeNs, ino } = statSync(path, { bigint: true })
    const entry = { group, name, path, fileId, size, mtimeNs, ino, isTree: true, fault: null }
    await this.seeds.add(entry, hashes)
    return snapshot
  }

  grantFor(content: Pick<Content, 'fileId'>): Promise<string> {
    return this.keys.sign(content.fileId, this.client.peer)
  }

  /** Requests the whole file in pipelined requests of `count` chunks over one connection, which then closes. */
  async pipeline(content: Content, count: number): Promise<TLSSocket> {
    const socket = await this.connect()
    const grant = await this.grantFor(content)
    const length = count * CHUNK_SIZE
    for (let start = 0; start < content.size; start += length)
      socket.write(rangeRequest(content, grant, start, Math.min(content.size, start + length)))
    return socket
  }

  /** Connects as the client, to the server or to a relay in front of it. */
  async connect(port = this.server.port): Promise<TLSSocket> {
    const { key, cert } = this.client
    const socket = connect({ host: '127.0.0.1', port, key, cert, rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    return socket
  }

  /** Sends one request on its own connection. */
  async ask(
    content: Pick<Content, 'fileId'>,
    { method = 'GET', path, grant, range, headers = {}, as }: Ask = {},
  ): Promise<Answer> {
    const who = as === undefined ? this.client : as
    const token = grant === undefined ? await this.grantFor(content) : grant
    const agent = new Agent({ maxCachedSessions: 0 })
    const options = {
      host: '127.0.0.1',
      port: this.server.port,
      rejectUnauthorized: false,
      agent,
      method,
      path: path ?? filePath(content.fileId),
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(range ? { range } : {}),
        ...headers,
      },
      ...(who ? { key: who.key, cert: who.cert } : {}),
    }
    try {
      return await new Promise<Answer>((resolve, reject) => {
        request(options, (response) => {
          const parts: Buffer[] = []
          response.on('data', (part: Buffer) => parts.push(part))
          response.on('error', reject)
          response.on('end', () => {
            const body = Buffer.concat(parts)
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body, code: codeOf(body) })
          })
        })
          .on('error', reject)
          .end()
      })
    } finally {
      agent.destroy()
    }
  }
}

/** A request for bytes [start, end). The file's last one closes the connection. */
export function rangeRequest({ fileId, size }: Content, grant: string, start: number, end: number): string {
  return (
    `GET ${filePath(fileId)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${grant}\r\n` +
    `Range: bytes=${start}-${end - 1}\r\nConnection: ${end < size ? 'keep-alive' : 'close'}\r\n\r\n`
  )
}

/** The bodies of all 206 answers until the connection closes. */
export async function bodiesOf(socket: TLSSocket): Promise<Buffer> {
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part))
  await once(socket, 'close')
  const answers = Buffer.concat(parts).toString('latin1')
  return Buffer.from(answers.replaceAll(/HTTP\/1\.1 206 .*?\r\n\r\n/gs, ''), 'latin1')
}

function codeOf(body: Buffer): string | null {
  try {
    return (JSON.parse(body.toString()) as { error?: { code?: string } }).error?.code ?? null
  } catch {
    return null
  }
}
