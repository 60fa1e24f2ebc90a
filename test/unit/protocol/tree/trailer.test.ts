import { buildTree, readTrailer } from '../../../../protocol/tree/tree-reader.ts'
import { file, folder } from '../../../support/trees.ts'

const { index, trailer } = buildTree([folder('a'), file('a/x', 700_000), file('b', 5)])
const end = Buffer.concat(trailer)

test('a tree is read from the end of its stream, also with contents before the manifest', () => {
  for (const bytes of [end, Buffer.concat([Buffer.alloc(1000, 7), end])]) {
    const read = readTrailer(bytes, index.streamSize)
    expect([read.count, read.path(1), read.size(1)]).toEqual([3, 'a/x', 700_000])
  }
})

test('an end that is shorter than the footer says, and that of another stream, are refused', () => {
  expect(() => readTrailer(end.subarray(1), index.streamSize)).toThrow(/longer than was stated/)
  expect(() => readTrailer(end, index.streamSize + 1)).toThrow(/do not add up/)
  expect(() => readTrailer(Buffer.alloc(5), 5)).toThrow(/not a snapshot/)
})
