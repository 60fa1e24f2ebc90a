import { type IncomingMessage, request } from 'node:http'
import {
  CHUNK_SIZE,
  connectPinned,
  grantedUrl,
  HASH_SIZE,
  type Identity,
  ShoalError,
  type SwarmPeer,
  sha256,
} from '@shoal/plugin'

const HURRY_MS = 5000

export interface Wanted {
  fileId: string
  /** Bytes of the stream, and the chunk to begin with. */
  size: number
  first: number
  /** Packed hashes of the chunks from `first` on. */
  hashes: Uint8Array
}

/** The chunks from `first` to the end of a stream, from one peer. Rejects where a chunk has another hash. */
export async function endOfStream(
  peer: SwarmPeer,
  grant: string,
  { fileId, size, first, hashes }: Wanted,
  identity: Identity,
  stopping: AbortSignal,
): Promise<Buffer> {
  const signal = AbortSignal.any([AbortSignal.timeout(HURRY_MS), stopping])
  const start = first * CHUNK_SIZE
  const socket = await connectPinned(peer, identity)
  try {
    const { pathname, search, host } = new URL(grantedUrl(peer, fileId, grant))
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request({
        createConnection: () => socket,
        path: pathname + search,
        headers: { host, range: `bytes=${start}-${size - 1}`, connection: 'close' },
        signal,
      })
        .once('response', resolve)
        .once('error', reject)
        .end()
    })
    if (answer.statusCode !== 206) throw new Error(`the peer answered ${answer.statusCode}`)
    const bytes = await read(answer, size - start)
    for (let at = 0, hash = 0; at < bytes.length; at += CHUNK_SIZE, hash += HASH_SIZE)
      if (!sha256(bytes.subarray(at, at + CHUNK_SIZE)).equals(hashes.subarray(hash, hash + HASH_SIZE)))
        throw new ShoalError('HASH_MISMATCH', 'the peer sent another list of entries than was published')
    return bytes
  } finally {
    socket.destroy()
  }
}

/** Exactly `length` bytes; a body of another length is refused, before more of it is kept. */
async function read(answer: IncomingMessage, length: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let got = 0
  for await (const part of answer) {
    got += (part as Buffer).length
    if (got > length) break
    parts.push(part as Buffer)
  }
  if (got !== length) throw new Error('the peer sent another number of bytes than was asked')
  return Buffer.concat(parts)
}
