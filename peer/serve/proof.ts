import type { ServerResponse } from 'node:http'
import { HASH_SIZE } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { inclusionProof } from '../../protocol/merkle.ts'
import type { ServedFile } from './library.ts'

/** `GET …/proof/{chunk}`: the chunk's hash and its inclusion proof (RFC 9162), for clients without the hash list. */
export async function sendProof(file: ServedFile, chunk: number, response: ServerResponse): Promise<void> {
  const hashes = file.hashes()
  const count = hashes.length / HASH_SIZE
  if (chunk >= count) throw new ShoalError('CHUNK_NOT_HELD', `the file has ${count} chunks`)
  const hash = Buffer.from(hashes.subarray(chunk * HASH_SIZE, (chunk + 1) * HASH_SIZE)).toString('hex')
  const proof = inclusionProof(hashes, chunk).map((node) => node.toString('hex'))
  const body = JSON.stringify({ chunk, count, hash, proof })
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
