import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { ShoalError } from '../../protocol/errors.ts'
import { refusedToStranger } from '../../protocol/grants.ts'
import { fingerprint, HERE_PATH, signHere } from '../../protocol/hello.ts'
import { listenError } from '../../protocol/listen.ts'
import { GRANT_PARAMETER, isFileId, PEER_PORT_HEADER } from '../../protocol/peer-wire.ts'
import type { TreeStore } from '../tree/tree-store.ts'
import type { ByteLimit } from '../wire/byte-limit.ts'
import type { Identity } from '../wire/identity.ts'
import { CIPHERS } from '../wire/pinned-connect.ts'
import type { FileBytes } from '../wire/transfer-counters.ts'
import { Admissions } from './admissions.ts'
import { entryContents, wholeContents } from './contents.ts'
import type { GrantVerifier } from './grant-verifier.ts'
import { streamHave } from './have-stream.ts'
import type { FileReader, Library, SeenPeer, ServedFile } from './library.ts'
import { takeSlot } from './pipeline-order.ts'
import { sendProof } from './proof.ts'
import { sendRange } from './range.ts'

export interface ChunkServerOptions {
  identity: Identity
  tls: boolean
  host: string
  port: number
  library: Library
  /** Trees of the snapshots among them. */
  trees: TreeStore
  grants: GrantVerifier
  limit: ByteLimit
  onSeen(peer: SeenPeer): void
  /** Bytes of a file went out to a peer; without TLS only its address is known. */
  onSent(peer: string, sent: FileBytes): void
  onError(error: Error): void
}

export interface ChunkServer {
  host: string
  port: number
  close(): Promise<void>
}

/** Bytes: a grant of 4,096, a path of 4,096 in which each byte is percent-encoded, and the client's other headers. */
const MAX_HEADER = 20 * 1024

/** The grant may be in the URL, for programs that take only a URL. */
const ROUTE = new RegExp(
  `^/v1/files/([^/?]+)(?:/(have|proof/(\\d{1,10})|path/([^?]+)))?(?:\\?${GRANT_PARAMETER}=([\\w.-]{0,4096}))?$`,
)

/** Serves the library to holders of grants. Throws PORT_IN_USE or BAD_CONFIG when it cannot listen. */
export async function startChunkServer(options: ChunkServerOptions): Promise<ChunkServer> {
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const turn = takeSlot(request.socket)
    serve(options, admissions, request, response, turn.come)
      .catch((error: unknown) => fail(options, response, error))
      .finally(() => turn.done())
  }
  const server = options.tls
    ? createHttpsServer(
        {
          key: options.identity.key,
          cert: options.identity.cert,
          minVersion: 'TLSv1.3',
          ciphers: CIPHERS,
          maxHeaderSize: MAX_HEADER,
          // The grant names its certificate, so no authority has to vouch for it.
          requestCert: true,
          rejectUnauthorized: false,
        },
        handle,
      )
    : createHttpServer({ maxHeaderSize: MAX_HEADER }, handle)
  const admissions = new Admissions(server, options.grants)
  server.keepAliveTimeout = 60_000
  server.requestTimeout = 10_000
  server.headersTimeout = 10_000
  server.on('tlsClientError', () => {})
  server.on('secureConnection', readAsStream)
  await listen(server, options.host, options.port)
  const address = server.address() as AddressInfo
  return {
    host: address.address,
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        admissions.close()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/**
 * Makes Node's HTTP parser read from the socket's stream. By default it bypasses the stream and pauses while answers
 * drain; data that TLS has decrypted by then still reaches it, and it takes that for an error and closes the
 * connection. This happens when two pipelined requests arrive together. A data listener prevents the bypass.
 */
function readAsStream(socket: TLSSocket): void {
  socket.on('data', () => {})
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port)))
    server.listen(port, host, () => resolve())
  })
}

async function serve(
  options: ChunkServerOptions,
  admissions: Admissions,
  request: IncomingMessage,
  response: ServerResponse,
  turn: Promise<void>,
): Promise<void> {
  const nonce = options.tls ? undefined : HERE_PATH.exec(request.url ?? '')?.[1]
  if (request.method === 'GET' && nonce !== undefined)
    return sendJson(response, 200, signHere(options.identity, nonce))
  const route = ROUTE.exec(request.url ?? '')
  if (request.method !== 'GET' && request.method !== 'HEAD')
    throw new ShoalError('BAD_REQUEST', `${(request.method ?? '').slice(0, 20)} is not served here`)
  if (hasBody(request)) {
    // Otherwise Node would read and discard the whole body.
    response.setHeader('connection', 'close')
    throw new ShoalError('TOO_LARGE', 'a request for chunks has no body')
  }
  if (!route || !isFileId(route[1]!)) throw new ShoalError('ROUTE_NOT_FOUND', 'there is nothing at this path')
  const [, fileId, part, chunk, path, inUrl] = route as unknown as [string, string, ...(string | undefined)[]]
  const file = requireServed(options.library, fileId)
  const client = clientFingerprint(request)
  const claims = await options.grants.check(bearer(request) ?? inUrl ?? null, file, client)
  admissions.admit(request, response, claims)
  noteSeen(options, request, file, client)
  if (part === 'have') return streamHave(file, request, response)
  if (chunk !== undefined) return sendProof(file, Number(chunk), response)
  const to = client ?? request.socket.remoteAddress ?? 'unknown'
  const sent = (bytes: number): void => options.onSent(to, { group: claims.grp, fileId, bytes })
  // Looks up the file again: its download may have finished while this request waited for its turn.
  const open = (): Promise<FileReader> => requireServed(options.library, fileId).open()
  const contents =
    path === undefined
      ? wholeContents(file)
      : entryContents(options.trees.load(fileId, file.size)?.index ?? null, path)
  return sendRange(file, contents, request, response, options.limit, sent, turn, open)
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

function requireServed(library: Library, fileId: string): ServedFile {
  const file = library.get(fileId)
  if (!file) throw refusedToStranger()
  return file
}

function bearer(request: IncomingMessage): string | null {
  return /^Bearer ([\w.-]{1,4096})$/.exec(request.headers.authorization ?? '')?.[1] ?? null
}

/** Fingerprints by connection: asking OpenSSL for each request would cost more than the rest of the request. */
const proven = new WeakMap<TLSSocket, string>()

/** SHA-256 of the certificate that the client proved in the handshake; null without TLS. */
function clientFingerprint(request: IncomingMessage): string | null {
  const socket = request.socket as TLSSocket
  if (!socket.encrypted) return null
  let found = proven.get(socket)
  if (found === undefined) {
    const der = socket.getPeerX509Certificate()?.raw
    found = der ? fingerprint(der) : 'none'
    proven.set(socket, found)
  }
  return found
}

/** Reports a fetching peer, which also serves. TLS has proven its certificate and address, so we can fetch from it. */
function noteSeen(
  options: ChunkServerOptions,
  request: IncomingMessage,
  file: ServedFile,
  peer: string | null,
): void {
  const port = Number(request.headers[PEER_PORT_HEADER])
  const host = request.socket.remoteAddress?.replace(/^::ffff:/, '')
  if (peer === null || !host || !Number.isInteger(port) || port < 1 || port > 65535) return
  options.onSeen({ fileId: file.fileId, peer, host, port })
}

function fail(options: ChunkServerOptions, response: ServerResponse, error: unknown): void {
  const known = error instanceof ShoalError ? error : new ShoalError('INTERNAL', 'the peer failed')
  if (!(error instanceof ShoalError)) options.onError(error as Error)
  // Part of the body was sent: only a broken connection can tell the client that it is incomplete.
  if (response.headersSent) return void response.destroy()
  sendJson(response, known.status, known)
}

function sendJson(response: ServerResponse, status: number, content: object): void {
  const body = JSON.stringify(content)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}
