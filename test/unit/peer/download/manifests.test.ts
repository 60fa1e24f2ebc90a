import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Manifests, type RunDownload } from '../../../../peer/download/manifests.ts'
import type { DownloadJob } from '../../../../peer/download/queue/download-job.ts'
import { TreeStore } from '../../../../peer/tree/tree-store.ts'
import { CHUNK_SIZE } from '../../../../protocol/chunking.ts'
import { PART_SUFFIX } from '../../../../protocol/names.ts'
import { buildTree } from '../../../../protocol/tree/tree-reader.ts'
import { file } from '../../../support/trees.ts'

/** Names so long that the manifest takes three chunks; the first of them begins with contents. */
const entries = Array.from({ length: 6000 }, (_, i) =>
  file(`${String(i).padStart(5, '0')}-${'x'.repeat(200)}`, i % 2),
)
const { index, trailer: pages } = buildTree(entries)
const trailer = Buffer.concat(pages)
const stream = Buffer.concat([Buffer.alloc(index.footer.contents, 7), trailer])
const fileId = 'ab'.repeat(32)
const folder = mkdtempSync(join(tmpdir(), 'shoal-manifests-'))
afterAll(() => rmSync(folder, { recursive: true }))

let homes = 0
/** The manifests of a new home, a job, and what was asked of `run`: the number of chunks of each download. */
function setUp() {
  const store = new TreeStore(join(folder, String(homes++)))
  const job = { group: 'team', name: 'app', fileId, size: stream.length } as DownloadJob
  const asked: number[] = []
  /** Writes what a download of these chunks would leave behind. */
  const run: RunDownload = async (part, { wanted }) => {
    const bytes = Buffer.alloc(stream.length)
    for (let chunk = 0; chunk < wanted!.size; chunk++)
      if (wanted!.has(chunk))
        stream.copy(bytes, chunk * CHUNK_SIZE, chunk * CHUNK_SIZE, (chunk + 1) * CHUNK_SIZE)
    mkdirSync(dirname(part.path), { recursive: true })
    writeFileSync(part.path + PART_SUFFIX, bytes)
    asked.push(wanted!.count)
    return { bytesFetched: 0, peers: [], seconds: 0 } as never
  }
  return { store, job, asked, run, manifests: new Manifests(store) }
}
const forever = new AbortController().signal

test('the end of the stream is fetched, kept, and not fetched again', async () => {
  const { store, job, asked, run, manifests } = setUp()
  const { tree, chunks } = await manifests.get(job, trailer.length, run, forever)
  expect(tree.index.count).toBe(6000)
  expect([...chunks.keys()]).toEqual([0])
  expect(stream.subarray(0, CHUNK_SIZE).equals(chunks.get(0)!)).toBe(true)
  expect(existsSync(store.path(fileId) + PART_SUFFIX)).toBe(false)
  expect((await manifests.get(job, trailer.length, run, forever)).results).toEqual([])
  expect(asked).toEqual([3])
})

test('more is fetched where the footer says more than the tracker did', async () => {
  const { job, asked, run, manifests } = setUp()
  const { tree, results } = await manifests.get(job, 0, run, forever)
  expect(tree.index.count).toBe(6000)
  expect([asked, results.length]).toEqual([[1, 3], 2])
})

test('of several who want a manifest at once one fetches it for all', async () => {
  const { job, asked, run, manifests } = setUp()
  const all = [1, 2, 3].map(() => manifests.get(job, trailer.length, run, forever))
  expect((await Promise.all(all)).map(({ tree }) => tree.index.count)).toEqual([6000, 6000, 6000])
  expect(asked).toEqual([3])
})

test('one who waits fetches it where the first one gives up, and may give up too', async () => {
  const { job, asked, run, manifests } = setUp()
  const stop = new AbortController()
  const stuck: RunDownload = (_job, _destination, signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const first = manifests.get(job, trailer.length, stuck, stop.signal)
  const waits = new AbortController()
  const impatient = manifests.get(job, trailer.length, run, waits.signal)
  const second = manifests.get(job, trailer.length, run, forever)
  waits.abort(new Error('no patience'))
  await expect(impatient).rejects.toThrow('no patience')
  expect(asked).toEqual([])
  stop.abort(new Error('given up'))
  await expect(first).rejects.toThrow('given up')
  expect((await second).tree.index.count).toBe(6000)
  expect(asked).toEqual([3])
})
