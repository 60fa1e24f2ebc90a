import type { FileRecord } from '../../../../protocol/records.ts'
import { filePageText } from '../../../../tracker-client/api/file-page.ts'

const NAMES = ['a.bin', 'päth/mit "quotes"\\%d', '__proto__', '\u{1F41F}\ud800\n']
const records: FileRecord[] = NAMES.map((name, i) => ({
  name,
  fileId: `${i}`.repeat(64),
  size: i,
  version: 1,
  uploader: 'ann',
  added: '2026-01-01T00:00:00.000Z',
}))
const page = { files: records, next: NAMES[1]!, revision: 7 }

test.each([
  ['full', page],
  ['last', { ...page, next: null }],
  ['empty', { files: [], next: null, revision: 0 }],
])('a %s page has its records with the current counts, however often it is serialised', (_, of) => {
  for (const seeders of [0, 1, 12]) {
    const counts = (fileId: string) => ({ seeders, leechers: Number(fileId[0]) })
    const files = of.files.map((file) => ({ ...file, ...counts(file.fileId) }))
    expect(filePageText({ ...of, countsOf: counts })).toBe(JSON.stringify({ ...of, files }))
  }
})
