import { parentPort, workerData } from 'node:worker_threads'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { encodeError, storageError, type WireError } from '../../protocol/errors.ts'
import { filePath } from '../../protocol/peer-wire.ts'
import type { PeerAddress } from '../../protocol/records.ts'
import type { WritePart } from '../tree/write-tree.ts'
import { PauseWatch } from '../wire/pause-watch.ts'
import type { Credentials } from '../wire/pinned-connect.ts'
import { BufferPool, ChunkSink } from './chunk-sink.ts'
import { FetchConnection } from './connection.ts'
import { type ThreadFile, threadFile } from './thread-file.ts'

/** A request to fetch, verify and write one extent. */
export interface FetchRequest {
  id: number
  target: PeerAddress
  fileId: string
  grant: string
  /** Descriptor of the part file in the main thread, open for writing. */
  fd?: number
  /** Path of the part file or the tree, for error messages. */
  path: string
  /** Set instead of `fd` for a tree (chunk-sink.ts). */
  tree?: { root: string; chunks: WritePart[][] }
  size: number
  first: number
  count: number
  /** Packed hashes of the extent's chunks. */
  hashes: Uint8Array
}

export interface FetchThreadData {
  credentials: Credentials
  ownPort: number
}

export type ToFetchThread = { type: 'fetch'; request: FetchRequest } | { type: 'cancel'; id: number }

export type FromFetchThread =
  | { type: 'chunks'; id: number; chunks: number[] }
  /** The extent has ended; `chunks` are those not reported before. */
  | { type: 'settled'; id: number; chunks: number[]; error: WireError | null }

const STALL_CHECK_MS = 500
/** Least time between two reports of an extent: a message costs a tenth of a chunk's work. */
const REPORT_MS = 25
const port = parentPort!
const { credentials, ownPort } = workerData as FetchThreadData
const pool = new BufferPool()
const connections = new Map<string, FetchConnection>()
const underway = new Map<number, Underway>()

interface Underway {
  connection: FetchConnection
  sink: ChunkSink
  report: ChunkReport
  file: ThreadFile | null
}

function connectionTo(target: PeerAddress): FetchConnection {
  const key = `${target.peer}@${target.host}:${target.port}`
  let connection = connections.get(key)
  if (!connection) {
    connection = new FetchConnection(target, credentials, ownPort, (closed) => {
      if (connections.get(key) === closed) connections.delete(key)
    })
    connections.set(key, connection)
  }
  return connection
}

function beginExtent(request: FetchRequest): void {
  try {
    fetchExtent(request)
  } catch (error) {
    const failure = encodeError(storageError(error, request.path))
    send({ type: 'settled', id: request.id, chunks: [], error: failure })
  }
}

function fetchExtent({ id, target, fileId, grant, fd, ...extent }: FetchRequest): void {
  const start = extent.first * CHUNK_SIZE
  const report = new ChunkReport(id)
  const file = fd === undefined ? null : threadFile(fd)
  const last = extent.first + extent.count - 1
  const sink = new ChunkSink({ ...extent, ...(file ? { fd: file.fd } : {}) }, pool, (chunk) =>
    report.add(chunk, chunk === last),
  )
  const connection = connectionTo(target)
  underway.set(id, { connection, sink, report, file })
  connection.request({
    path: filePath(fileId),
    grant,
    start,
    end: Math.min(extent.size, start + extent.count * CHUNK_SIZE),
    size: extent.size,
    sink,
    settle: (error) => {
      if (!underway.delete(id)) return
      file?.release()
      send({ type: 'settled', id, chunks: report.end(), error: error && encodeError(error) })
    },
  })
}

/** Cancels an extent. After its `settled` message, this thread no longer uses the descriptor. */
function cancel(id: number): void {
  const extent = underway.get(id)
  if (!extent) return
  underway.delete(id)
  extent.sink.abandon()
  extent.file?.release()
  const error = { code: 'ABORT_ERR', message: 'cancelled' }
  send({ type: 'settled', id, chunks: extent.report.end(), error })
  extent.connection.closeIfAbandoned()
}

/** Reports an extent's chunks to the main thread: slow ones at once, fast ones in batches. */
class ChunkReport {
  readonly #id: number
  #chunks: number[] = []
  #timer: NodeJS.Timeout | undefined
  #reportedAt = Number.NEGATIVE_INFINITY

  constructor(id: number) {
    this.#id = id
  }

  /** The `last` chunk is reported with the extent's end, which follows in the same turn. */
  add(chunk: number, last: boolean): void {
    this.#chunks.push(chunk)
    if (last || this.#timer) return
    const wait = this.#reportedAt + REPORT_MS - performance.now()
    if (wait > 0) this.#timer = setTimeout(() => this.#flush(), wait)
    else this.#flush()
  }

  /** Ends the reports and returns the unreported chunks. */
  end(): number[] {
    clearTimeout(this.#timer)
    return this.#chunks.splice(0)
  }

  #flush(): void {
    this.#timer = undefined
    this.#reportedAt = performance.now()
    send({ type: 'chunks', id: this.#id, chunks: this.#chunks.splice(0) })
  }
}

function send(message: FromFetchThread): void {
  port.postMessage(message)
}

port.on('message', (message: ToFetchThread) => {
  if (message.type === 'fetch') beginExtent(message.request)
  else cancel(message.id)
})

const pauses = new PauseWatch(STALL_CHECK_MS, performance.now())
setInterval(() => {
  const paused = pauses.paused(performance.now())
  for (const connection of connections.values()) connection.checkStall(paused)
}, STALL_CHECK_MS).unref()
