import { downloadText, statusText, uploadText } from '../../../../cli/render/peer.ts'
import type { DownloadedFile } from '../../../../peer/control/api.ts'

const file = (change: Partial<DownloadedFile>): DownloadedFile => ({
  name: 'f',
  fileId: '',
  size: 2048,
  path: '/x/f',
  seconds: 1,
  bytesFetched: 2048,
  bytesReused: 0,
  reusedFrom: [],
  peers: [{ peer: 'a', bytes: 2048 }],
  ...change,
})

test('a download is summarised by its path, rate and number of peers', () => {
  expect(downloadText([file({})], 2)).toBe('Downloaded /x/f (2.0 KiB in 2.0 s, 1.0 KiB/s) from 1 peer')
})

test('several files are counted, and a peer that served several of them is counted once', () => {
  const files = [
    file({}),
    file({
      peers: [
        { peer: 'a', bytes: 1024 },
        { peer: 'b', bytes: 1024 },
      ],
    }),
  ]
  expect(downloadText(files, 2)).toBe('Downloaded 2 files (4.0 KiB in 2.0 s, 2.0 KiB/s) from 2 peers')
})

test('a download says how much was already here, and where', () => {
  expect(downloadText([file({ bytesFetched: 1024, reusedFrom: ['/old/f'] })], 1)).toMatch(
    /from 1 peer, 1\.0 KiB were already here, in \/old\/f$/,
  )
  const here = { bytesFetched: 0, peers: [] }
  expect(downloadText([file({ ...here, reusedFrom: ['/x/f'] })], 1)).toMatch(
    /: everything was already here, at its place$/,
  )
  expect(downloadText([file({ ...here, reusedFrom: ['/old/f'] })], 1)).toMatch(
    /: everything was already here, in \/old\/f$/,
  )
})

test('nothing of an empty file was here', () => {
  const empty = file({ size: 0, bytesFetched: 0, peers: [] })
  expect(downloadText([empty], 1)).toBe('Downloaded /x/f (0 B in 1.0 s)')
})

test('an upload names a single file with its version, and counts several', () => {
  const one = { name: 'f', fileId: '', size: 1024, chunks: 1, version: 2 }
  expect(uploadText('team', [one])).toBe('Shared team:f (1.0 KiB, version 2)')
  expect(uploadText('team', [one, one])).toBe('Shared 2 files with team (2.0 KiB)')
})

test('a status without files is one line', () => {
  const idle = { peer: 'abc', url: null, pid: null, seeding: [], downloads: [] }
  expect(statusText(idle)).toBe('Peer abc… is not running')
})

test('a status has a row for each snapshot and file, and a line with their sums', () => {
  const copy = { group: 'team', fileId: '', size: 2048 }
  const text = statusText({
    ...{ peer: 'abc', url: 'https://h:1', pid: 7, rates: { down: 0, up: 2048 } },
    seeding: [
      { ...copy, name: 'app', path: '/x/app', entries: 5000 },
      { ...copy, name: 'gone', path: '/x/gone', entries: null, fault: 'removed' },
      { ...copy, name: 'f', path: '/x/f' },
    ],
    downloads: [{ id: '', name: 'big', size: 9e9, total: 4096, done: 1024, rate: 512 }],
  })
  expect(text.split('\n')).toEqual([
    'Peer abc… is running at https://h:1 (process 7)',
    'SEEDING    KIND      ENTRIES  SIZE     PATH     FAULT',
    'team:app   snapshot  5000     2.0 KiB  /x/app',
    'team:gone  snapshot  -        2.0 KiB  /x/gone  removed',
    'team:f     file      -        2.0 KiB  /x/f',
    'DOWNLOADING  DONE                RATE',
    'big          1.0 KiB of 4.0 KiB  512 B/s',
    '1 snapshot and 1 file (4.0 KiB) seeded, 1 with a fault; 1 download; 0 B/s down, 2.0 KiB/s up',
  ])
})
