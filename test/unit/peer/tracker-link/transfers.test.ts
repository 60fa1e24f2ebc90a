import type { ServedFile } from '../../../../peer/serve/library.ts'
import { Transfers } from '../../../../peer/tracker-link/transfers.ts'
import { type FileBytes, TransferCounters } from '../../../../peer/wire/transfer-counters.ts'
import { Bitmap } from '../../../../protocol/bitmap.ts'

/** Sources whose bytes a test moves, and their reports over simulated seconds. */
function world() {
  const files = new Map<string, Pick<ServedFile, 'have'>>()
  const downloads = new Map<string, FileBytes>()
  const figures = new TransferCounters()
  const library = { get: (id: string) => files.get(id) as ServedFile | undefined }
  const sources = { library, downloads: () => downloads.values(), sent: figures.sentOf }
  const transfers = new Transfers(sources, 0)
  return {
    figures,
    downloads,
    serve(id: string, chunks: number, held: number) {
      const have = new Bitmap(chunks)
      for (let i = 0; i < held; i++) have.add(i)
      files.set(id, { have })
      return have
    },
    remove: (id: string) => files.delete(id),
    download: (id: string, bytes: number, key = id) =>
      downloads.set(key, { group: 'team', fileId: id, bytes }),
    send: (id: string, bytes: number, group = 'team') =>
      figures.addSent('somebody', { group, fileId: id, bytes }),
    after: (seconds: number) => transfers.now(1000 * seconds),
  }
}

test('a download is reported with its chunks and its rate over the last seconds', () => {
  const { serve, download, after } = world()
  const have = serve('a', 4, 1)
  download('a', 4000)
  expect(after(2)).toEqual([
    {
      group: 'team',
      fileId: 'a',
      held: 1,
      parts: Buffer.from([255, 0, 0, 0]).toString('base64'),
      down: 2000,
      up: 0,
    },
  ])
  have.add(2)
  download('a', 10_000)
  expect(after(4)).toMatchObject([
    { held: 2, parts: Buffer.from([255, 0, 255, 0]).toString('base64'), down: 2500 },
  ])
  download('a', 12_000)
  expect(after(6)).toMatchObject([{ down: 2000 }])
  // Stalled, but reported as long as it runs.
  expect(after(8)).toMatchObject([{ down: 500 }])
  expect(after(10)).toMatchObject([{ held: 2, down: 0 }])
})

test('a download is reported once it serves something, until it ends', () => {
  const { serve, download, downloads, after } = world()
  download('a', 0)
  expect(after(2)).toEqual([])
  serve('a', 4, 4)
  expect(after(4)).toMatchObject([{ held: 4, down: 0 }])
  downloads.clear()
  expect(after(6)).toEqual([])
})

test('an upload is reported with its rate and group until nothing more is sent', () => {
  const { serve, send, figures, after } = world()
  serve('a', 4, 4)
  send('a', 3000)
  send('a', 1000, 'others')
  expect(after(2)).toEqual([
    { group: 'team', fileId: 'a', held: 4, parts: '/////w==', down: 0, up: 1500 },
    { group: 'others', fileId: 'a', held: 4, parts: '/////w==', down: 0, up: 500 },
  ])
  send('a', 2000)
  expect(after(4)[0]).toMatchObject({ group: 'team', up: 1250 })
  after(6)
  after(8)
  expect(after(10)).toEqual([])
  expect(figures.sentOf.size).toBe(0)
  expect(figures.sent.get('somebody')).toBe(6000)
  send('a', 2000)
  expect(after(12)).toMatchObject([{ group: 'team', up: 1000 }])
})

test('a file that is downloaded and sent, or downloaded to two places, is reported once', () => {
  const { serve, send, download, after } = world()
  serve('a', 4, 2)
  download('a', 1000, 'here')
  download('a', 3000, 'there')
  send('a', 200)
  expect(after(2)).toMatchObject([{ fileId: 'a', down: 2000, up: 100 }])
})

test('unserved files are not reported, and of many files the busiest 64 are', () => {
  const { serve, remove, send, after, figures } = world()
  serve('gone', 1, 1)
  send('gone', 1000)
  remove('gone')
  for (let i = 0; i < 100; i++) {
    serve(`file${i}`, 1, 1)
    send(`file${i}`, 1000 + i)
  }
  const told = after(1)
  expect(told.map(({ up }) => up)).toEqual(Array.from({ length: 64 }, (_, i) => 1099 - i))
  expect(figures.sentOf.has('team/gone')).toBe(false)
})
