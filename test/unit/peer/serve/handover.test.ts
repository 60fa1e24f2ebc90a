import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { PartFile } from '../../../../peer/download/disk/part-file.ts'
import { PartialFile } from '../../../../peer/download/disk/partial-file.ts'
import { Bitmap } from '../../../../protocol/bitmap.ts'
import { CHUNK_SIZE } from '../../../../protocol/chunking.ts'
import { content } from '../../../support/peer/content.ts'
import { bodiesOf, ServeFixture } from '../../../support/peer/serve-fixture.ts'

const CHUNKS = 40
const FILE = content(CHUNKS * CHUNK_SIZE)
const fixture = new ServeFixture()
beforeAll(() => fixture.open())
afterAll(() => fixture.close())

test('requests made during a download are answered from the finished file', async () => {
  const path = `${fixture.folder}/file`
  const [part] = await PartFile.open(path, FILE.fileId, FILE.size)
  const have = new Bitmap(CHUNKS)
  const partial = new PartialFile({ ...FILE, group: 'team' }, have, () => FILE.hashes, part)
  fixture.library.set(partial)
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    await part.write(FILE.data.subarray(chunk * CHUNK_SIZE, (chunk + 1) * CHUNK_SIZE), chunk)
    part.wrote(chunk)
    have.add(chunk)
  }
  const socket = await fixture.pipeline(FILE, 4)
  // The first answer fills the connection, and the others queue.
  await once(socket, 'readable')

  const state = await part.publish(null)
  const { fileId, size, hashes } = FILE
  await fixture.seeds.add({ group: 'team', name: 'file', fileId, size, path, ...state, fault: null }, hashes)
  fixture.library.delete(partial)
  await part.close()

  expect((await bodiesOf(socket)).equals(readFileSync(path))).toBe(true)
  expect(fixture.errors).toEqual([])
})
