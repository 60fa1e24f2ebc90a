import { metalink } from '../../../plugins/metalink/document.ts'

const file = (name: string, size: number, hashes: Uint8Array, urls: string[] = []) => ({
  name,
  size,
  proof: { hashes },
  urls,
})
const documentOf = (...files: ReturnType<typeof file>[]): string => [...metalink(files)].join('')

test('XML special characters are escaped in names and URLs', () => {
  const text = documentOf(file(`a & b <c> "d" 'e'`, 0, new Uint8Array(), ['http://h/?a=1&b=2']))
  expect(text).toContain(`<file name="a &amp; b &lt;c&gt; &quot;d&quot; 'e'">`)
  expect(text).toContain('<url priority="1">http://h/?a=1&amp;b=2</url>')
})

test('a one-chunk file has pieces and a file hash, an empty file only the hash, a longer file only pieces', () => {
  const one = 'ab'.repeat(32)
  expect(documentOf(file('one', 10, Buffer.from(one, 'hex')))).toContain(`<hash type="sha-256">${one}</hash>`)
  expect(documentOf(file('none', 0, new Uint8Array()))).not.toContain('<pieces')
  const two = documentOf(file('two', 600_000, Buffer.from(one + 'cd'.repeat(32), 'hex')))
  expect(two).not.toContain('<hash type')
  expect(two.match(/<hash>\w+<\/hash>/g)).toHaveLength(2)
})

test('a file of a snapshot has the hash of the whole, whatever its size, and no pieces', () => {
  const sha256 = Buffer.alloc(32, 0xab)
  const text = [...metalink([{ name: 'app/x', size: 2_000_000, urls: [], proof: { sha256 } }])].join('')
  expect(text).toContain(`<hash type="sha-256">${'ab'.repeat(32)}</hash>`)
  expect(text).not.toContain('<pieces')
})
