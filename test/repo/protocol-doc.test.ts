import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { HaveReader } from '../../peer/download/swarm/have-client.ts'
import type { Bitmap } from '../../protocol/bitmap.ts'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { fileId } from '../../protocol/file-id.ts'
import { inclusionProof, leafHash, merkleRoot, sha256, verifyInclusion } from '../../protocol/merkle.ts'
import { buildTree } from '../../protocol/tree/tree-reader.ts'
import { TestFleet } from '../support/tracker-fleet.ts'

const text = readFileSync(join(import.meta.dirname, '../../docs/protocol.md'), 'utf8')

/** The code in the second column of the row whose label starts with `label`. */
function documented(label: string): string {
  const row = text.split('\n').find((line) => line.startsWith(`| ${label}`))
  return [...(row?.split('|')[2] ?? '').matchAll(/`([^`]+)`/g)].map(([, code]) => code).join('')
}

test('the worked example of a file id in docs/protocol.md matches the code', () => {
  const data = Buffer.alloc(2 * CHUNK_SIZE + 1)
  const hashes = [0, 1, 2].map((i) => sha256(data.subarray(i * CHUNK_SIZE, (i + 1) * CHUNK_SIZE)))
  const packed = Buffer.concat(hashes)
  const proof = inclusionProof(packed, 2)
  for (const [i, hash] of hashes.entries()) expect(documented(`chunk hash ${i}`)).toBe(hash.toString('hex'))
  expect(documented('leaf 0, leaf 1')).toBe(leafHash(hashes[0]!).toString('hex'))
  expect(documented('leaf 2')).toBe(leafHash(hashes[2]!).toString('hex'))
  expect(documented('node over')).toBe(proof.map((node) => node.toString('hex')).join())
  expect(documented('root')).toBe(merkleRoot(packed).toString('hex'))
  expect(documented('file id |')).toBe(fileId(data.length, merkleRoot(packed)))
  const committed = Buffer.concat([Buffer.from(documented('before the root'), 'hex'), merkleRoot(packed)])
  expect(sha256(committed).toString('hex')).toBe(documented('file id |'))
  expect(verifyInclusion(hashes[2]!, 2, 3, proof, merkleRoot(packed))).toBe(true)
  expect(documented('file id of the empty file')).toBe(fileId(0, merkleRoot(Buffer.alloc(0))))
})

test('the worked example of a tree in docs/protocol.md matches the code', () => {
  const time = 1_700_000_000_000_000_000n
  const hello = Buffer.from('hello')
  const { index, trailer } = buildTree([
    { kind: 'folder', path: 'app', mode: 0o755, mtimeNs: time },
    {
      kind: 'file',
      path: 'app/tool',
      mode: 0o755,
      mtimeNs: time + 1_000_000_000n,
      size: hello.length,
      sha256: sha256(hello),
    },
    { kind: 'link', path: 'run', mtimeNs: time, target: 'app/tool' },
  ])
  const entries = ['app`', 'app/tool`', 'run`'].map((path) => documented(`tree entry \`${path}`))
  expect(entries.join('')).toBe(Buffer.concat(trailer.slice(0, -1)).toString('hex'))
  expect(documented('tree footer')).toBe(trailer.at(-1)!.toString('hex'))
  const stream = Buffer.concat([hello, ...trailer])
  expect(stream.length).toBe(index.streamSize)
  expect(documented('tree file id')).toBe(fileId(stream.length, merkleRoot(sha256(stream))))
})

test('the example of a have stream in docs/protocol.md decodes as described', () => {
  const [, hex = ''] = /^(00 00 00 03 .*)$/m.exec(text) ?? []
  const heard: unknown[] = []
  const reader = new HaveReader(3, {
    onBitmap: (have: Bitmap) => heard.push([0, 1, 2].map((chunk) => have.has(chunk))),
    onPending: (chunk: number) => heard.push(['pending', chunk]),
    onChunk: (chunk: number) => heard.push(['has', chunk]),
  })
  reader.push(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
  reader.end()
  expect(heard).toEqual([
    [true, false, true],
    ['pending', 1],
    ['has', 1],
  ])
})

test('docs/protocol.md lists exactly the routes of the OpenAPI document', async () => {
  const fleet = await TestFleet.start()
  try {
    const { paths } = (await fleet.send('GET', '/v1/openapi.json')).body as { paths: Record<string, object> }
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const table = [
      ...text.matchAll(/^\| `([A-Z]+ \/v1\/[^`]*)` \| [^|]*(?:user|member|admin|owner|anyone)/gm),
    ]
    expect(table.map(([, route]) => route).sort()).toEqual(routes.sort())
  } finally {
    await fleet.stop()
  }
})
