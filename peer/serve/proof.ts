import type { ServerResponse } from 'node:http'
import { setImmediate as pause } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { hashAt } from '../../protocol/chunk-hashes.ts'
import { HASH_SIZE } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { ProofTree } from '../../protocol/proof-tree.ts'
import type { ServedFile } from './library.ts'

/** By file id; at most 64 KiB each. */
const trees = new LRUCache<string, Promise<ProofTree>>({ max: 256 })

function treeOf(fileId: string, hashes: Uint8Array): Promise<ProofTree> {
  const tree = trees.get(fileId) ?? build(hashes)
  trees.set(fileId, tree)
  return tree
}

async function build(hashes: Uint8Array): Promise<ProofTree> {
  for (const building = ProofTree.build(hashes); ; await pause()) {
    const { done, value } = building.next()
    if (done) return value
  }
}

/** `GET …/proof/{chunk}`: the chunk's hash and its inclusion proof (RFC 9162), for clients without the hash list. */
export async function sendProof(file: ServedFile, chunk: number, response: ServerResponse): Promise<void> {
  const hashes = file.hashes()
  const count = hashes.length / HASH_SIZE
  if (chunk >= count) throw new ShoalError('CHUNK_NOT_HELD', `the file has ${count} chunks`)
  const hash = Buffer.from(hashAt(hashes, chunk)).toString('hex')
  const tree = await treeOf(file.fileId, hashes)
  const proof = tree.proof(hashes, chunk).map((node) => node.toString('hex'))
  const body = JSON.stringify({ chunk, count, hash, proof })
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
