import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { copyVerified, type VerifiedCopy } from '../../../../peer/tree/copies.ts'
import { sha256 } from '../../../../protocol/merkle.ts'

let folder: string
let root: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-copies-'))
  root = join(folder, 'root')
  mkdirSync(join(root, 'sub'), { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A copy of a new file to root/sub/file, which wants `content`. */
function copy(content: string, held = content, rest: Partial<VerifiedCopy> = {}): VerifiedCopy {
  const path = join(folder, 'source')
  writeFileSync(path, held)
  const { size, mtimeNs } = statSync(path, { bigint: true })
  const source = { path, size: Number(size), mtimeNs }
  return {
    source,
    to: 'sub/file',
    mode: 0o755,
    sha256: sha256(Buffer.from(content)),
    isBegun: false,
    ...rest,
  }
}

const target = (): string => join(root, 'sub/file')

test('a copy of the right content gets its mode under the umask', () => {
  expect([...copyVerified(root, [copy('abc')], 0o027)]).toEqual([1])
  expect(readFileSync(target(), 'utf8')).toBe('abc')
  expect(statSync(target()).mode & 0o777).toBe(0o750)
})

test('a file of another content leaves nothing behind', () => {
  expect([...copyVerified(root, [copy('abc', 'abd')], 0)]).toEqual([0])
  expect(existsSync(target())).toBe(false)
})

test('a file that changed since its content was known is not copied', () => {
  const changed = copy('abc')
  writeFileSync(changed.source.path, 'longer')
  expect([...copyVerified(root, [changed], 0)]).toEqual([0])
  rmSync(changed.source.path)
  expect([...copyVerified(root, [changed], 0)]).toEqual([0])
})

test('a file with verified bytes stays where the source has another content', () => {
  writeFileSync(target(), 'ab')
  expect([...copyVerified(root, [copy('abc', 'abd', { isBegun: true })], 0)]).toEqual([0])
  expect(readFileSync(target(), 'utf8')).toBe('ab')
  expect([...copyVerified(root, [copy('abc', 'abc', { isBegun: true })], 0)]).toEqual([1])
  expect(readFileSync(target(), 'utf8')).toBe('abc')
})

test('a large file is verified as a copy, and as a source where the file has verified bytes', () => {
  const [right, wrong] = ['a', 'b'].map((letter) => letter.repeat(600_000)) as [string, string]
  expect([...copyVerified(root, [copy(right, wrong)], 0)]).toEqual([0])
  expect(existsSync(target())).toBe(false)
  writeFileSync(target(), 'aa')
  expect([...copyVerified(root, [copy(right, wrong, { isBegun: true })], 0)]).toEqual([0])
  expect(readFileSync(target(), 'utf8')).toBe('aa')
  expect([...copyVerified(root, [copy(right, right, { isBegun: true })], 0o077)]).toEqual([1])
  expect(readFileSync(target(), 'utf8')).toBe(right)
  expect(statSync(target()).mode & 0o777).toBe(0o700)
})

test('a file that is in place already needs no source', () => {
  writeFileSync(target(), 'abc')
  const gone = copy('abc')
  rmSync(gone.source.path)
  expect([...copyVerified(root, [gone], 0)]).toEqual([1])
})

test('a copy goes neither through a linked folder nor through a link at its name', () => {
  const elsewhere = join(folder, 'elsewhere')
  mkdirSync(elsewhere)
  writeFileSync(join(elsewhere, 'file'), 'mine')
  symlinkSync(join(elsewhere, 'file'), target())
  expect([...copyVerified(root, [copy('abc')], 0)]).toEqual([0])
  rmSync(join(root, 'sub'), { recursive: true })
  symlinkSync(elsewhere, join(root, 'sub'))
  expect([...copyVerified(root, [copy('abc')], 0)]).toEqual([0])
  expect(readFileSync(join(elsewhere, 'file'), 'utf8')).toBe('mine')
})
