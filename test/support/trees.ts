import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import fc from 'fast-check'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { sha256 } from '../../protocol/merkle.ts'
import type { FileEntry, FolderEntry, LinkEntry, TreeEntry } from '../../protocol/tree/entry.ts'
import { comparePaths } from '../../protocol/tree/paths.ts'

export const hashOf = (text: string): Buffer => sha256(Buffer.from(text))

/** SHA-256 of each file below a folder, by path. */
export const contentsOf = (root: string): Map<string, string> =>
  new Map(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name)
        return [relative(root, path), sha256(readFileSync(path)).toString('hex')]
      }),
  )

/** Entries with what most tests do not care about. */
export const file = (path: string, size = 0, rest: Partial<FileEntry> = {}): FileEntry => ({
  kind: 'file',
  path,
  mode: 0o644,
  mtimeNs: 1_700_000_000_123_456_789n,
  size,
  sha256: hashOf(size === 0 ? '' : `${path} ${size}`),
  ...rest,
})

export const folder = (path: string, rest: Partial<FolderEntry> = {}): FolderEntry => ({
  kind: 'folder',
  path,
  mode: 0o755,
  mtimeNs: 1_700_000_000_000_000_000n,
  ...rest,
})

export const link = (path: string, target: string): LinkEntry => ({
  kind: 'link',
  path,
  mtimeNs: 1_700_000_000_000_000_000n,
  target,
})

const names = fc.oneof(
  fc.constantFrom(
    'a',
    'A',
    'b',
    'a b',
    'a-b',
    'a.txt',
    'é',
    'e\u0301',
    '\uffee',
    '😀',
    '...',
    'x'.repeat(255),
  ),
  fc.string({ unit: fc.constantFrom(...'abcXYZ019 .-_~éß日'), minLength: 1, maxLength: 12 }),
)
const times = fc.oneof(
  fc.constantFrom(0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 1_700_000_000_000_000_000n),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
)
const sizes = fc.oneof(
  fc.constantFrom(0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE, 2 ** 40 + 5),
  fc.nat(5 * CHUNK_SIZE),
)

/** Random trees in the order of a manifest. Some files have equal contents. */
export const trees: fc.Arbitrary<TreeEntry[]> = fc
  .array(
    fc.record({
      path: fc.array(names, { minLength: 1, maxLength: 4 }),
      kind: fc.constantFrom<TreeEntry['kind']>('file', 'file', 'folder', 'link'),
      mode: fc.nat(0o777),
      mtimeNs: times,
      size: sizes,
      twin: fc.nat(3),
      target: fc.constantFrom('a', '../b', '/etc/passwd', 'x/y/../z', '日本'),
    }),
    { maxLength: 30 },
  )
  .map((drafts) => {
    const entries = new Map<string, TreeEntry>()
    for (const { path: parts, kind, mode, mtimeNs, size, twin, target } of drafts) {
      if (parts.some((part) => /^\.{1,2}$/.test(part))) continue
      const path = parts.join('/')
      const above = parts.slice(0, -1).map((_, i) => parts.slice(0, i + 1).join('/'))
      if (entries.has(path) || above.some((each) => (entries.get(each)?.kind ?? 'folder') !== 'folder'))
        continue
      for (const each of above) if (!entries.has(each)) entries.set(each, folder(each, { mode, mtimeNs }))
      if (kind === 'folder') entries.set(path, folder(path, { mode, mtimeNs }))
      else if (kind === 'link') entries.set(path, { ...link(path, target), mtimeNs })
      else
        entries.set(
          path,
          file(path, size, { mode, mtimeNs, sha256: hashOf(size === 0 ? '' : `${size} ${twin}`) }),
        )
    }
    return [...entries.values()].sort((a, b) => comparePaths(a.path, b.path))
  })
