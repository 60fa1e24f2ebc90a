import fc from 'fast-check'
import { MAX_FILE_SIZE } from '../../../../protocol/chunking.ts'
import type { TreeEntry } from '../../../../protocol/tree/entry.ts'
import { TreeError } from '../../../../protocol/tree/errors.ts'
import { decodeFooter, encodeFooter, FOOTER_SIZE, type Footer } from '../../../../protocol/tree/footer.ts'
import { decodeManifest } from '../../../../protocol/tree/manifest-decoder.ts'
import { encodeManifest } from '../../../../protocol/tree/manifest-encoder.ts'
import { buildTree, readTree } from '../../../../protocol/tree/tree-reader.ts'
import { file, folder, hashOf, link, trees } from '../../../support/trees.ts'

function manifestOf(entries: Iterable<TreeEntry>): { manifest: Buffer; footer: Footer } {
  const { index, trailer } = buildTree(entries)
  return { manifest: Buffer.concat(trailer.slice(0, -1)), footer: index.footer }
}

/** The fault and path of the TreeError that `work` throws. */
function refusal(work: () => unknown): { fault: string; path: string | null } | null {
  try {
    work()
    return null
  } catch (error) {
    if (!(error instanceof TreeError)) throw error
    expect(error.code).toBe('TREE_INVALID')
    return { fault: error.fault, path: error.path }
  }
}

/** Cuts bytes into pages that end at the given places. */
function pagesOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return places.map((end, i) => bytes.subarray(i === 0 ? 0 : places[i - 1], end))
}

test('a decoded manifest has the entries that were encoded, however it is cut into pages', () => {
  fc.assert(
    fc.property(trees, fc.array(fc.nat(10_000), { maxLength: 5 }), (entries, cuts) => {
      const { manifest, footer } = manifestOf(entries)
      const index = readTree(pagesOf(manifest, cuts), footer)
      expect([...index.entries()]).toEqual(entries)
      expect(decodeFooter(encodeFooter(footer), index.streamSize)).toEqual(footer)
    }),
  )
})

test('a mutated manifest is refused, or is the one encoding of another tree', () => {
  let accepted = 0
  const mutation = fc.record({
    at: fc.nat(100_000),
    kind: fc.constantFrom('set', 'flip', 'remove', 'insert', 'cut', 'double'),
    value: fc.nat(255),
  })
  fc.assert(
    fc.property(trees, fc.array(mutation, { minLength: 1, maxLength: 3 }), (entries, mutations) => {
      const { manifest, footer } = manifestOf(entries)
      const bytes = mutations.reduce(mutate, manifest)
      // The footer is the attacker's too: let its length and its contents fit where they can.
      const claims = { ...footer, manifest: bytes.length }
      let index: ReturnType<typeof readTree>
      try {
        index = readTree([bytes], claims)
      } catch (error) {
        expect(error).toBeInstanceOf(TreeError)
        return
      }
      accepted++
      expect(Buffer.concat([...encodeManifest(index.entries())]).equals(bytes)).toBe(true)
      if (!bytes.equals(manifest)) expect([...index.entries()]).not.toEqual(entries)
    }),
    { numRuns: 1000 },
  )
  expect(accepted).toBeGreaterThan(20)
})

function mutate(bytes: Buffer, { at, kind, value }: { at: number; kind: string; value: number }): Buffer {
  const place = bytes.length === 0 ? 0 : at % bytes.length
  const before = bytes.subarray(0, place)
  if (kind === 'insert') return Buffer.concat([before, Buffer.of(value), bytes.subarray(place)])
  if (kind === 'remove') return Buffer.concat([before, bytes.subarray(place + 1)])
  if (kind === 'cut') return before
  if (kind === 'double') return Buffer.concat([bytes, bytes.subarray(place)])
  const changed = Buffer.from(bytes)
  if (changed.length > 0) changed[place] = kind === 'flip' ? changed[place]! ^ (1 << (value & 7)) : value
  return changed
}

test('a mutated footer is refused or claims no more than its manifest can hold', () => {
  const { index, trailer } = buildTree([folder('d'), file('d/f', 100), link('l', 'd/f')])
  fc.assert(
    fc.property(fc.nat(FOOTER_SIZE - 1), fc.nat(255), fc.nat(2 ** 52), (at, value, size) => {
      const bytes = Buffer.from(trailer.at(-1)!)
      bytes[at] = value
      for (const streamSize of [size, index.streamSize]) {
        let footer: Footer
        try {
          footer = decodeFooter(bytes, streamSize)
        } catch (error) {
          expect(error).toBeInstanceOf(TreeError)
          continue
        }
        expect(footer.names + 33 * footer.hashes + footer.targets + 3 * footer.entries).toBeLessThanOrEqual(
          footer.manifest,
        )
        expect(footer.contents + footer.manifest + FOOTER_SIZE).toBe(streamSize)
      }
    }),
    { numRuns: 1000 },
  )
})

const HUGE = {
  manifest: 2 ** 28,
  entries: 1_000_000,
  hashes: 1_000_000,
  names: 2 ** 27,
  targets: 2 ** 26,
  contents: 0,
}

test.each<[string, Partial<Footer>, string]>([
  ['more entries than a snapshot may have', { ...HUGE, entries: 1_000_001 }, 'limit'],
  ['a manifest beyond its limit', { ...HUGE, manifest: 2 ** 28 + 1 }, 'limit'],
  ['contents beyond the largest file', { ...HUGE, contents: MAX_FILE_SIZE }, 'limit'],
  ['a million entries in ten bytes', { manifest: 10, entries: 1_000_000, names: 1_000_000 }, 'totals'],
  ['more hashes than its manifest can hold', { manifest: 100, entries: 5, names: 5, hashes: 4 }, 'totals'],
  ['more hashes than entries', { manifest: 1000, entries: 1, names: 1, hashes: 2 }, 'totals'],
  ['fewer bytes of names than entries', { manifest: 1000, entries: 9, names: 8 }, 'totals'],
  ['more bytes of targets than its manifest can hold', { manifest: 1000, targets: 1001 }, 'totals'],
])('a footer that claims %s is refused before anything is allocated', (_, claims, fault) => {
  const footer = { contents: 0, manifest: 0, entries: 0, hashes: 0, names: 0, targets: 0, ...claims }
  const streamSize = footer.contents + footer.manifest + FOOTER_SIZE
  expect(refusal(() => decodeFooter(encodeFooter(footer), streamSize))).toEqual({ fault, path: null })
})

test('a footer is refused for another stream size, version or magic', () => {
  const bytes = buildTree([file('f', 10)]).trailer.at(-1)!
  const newer = Buffer.from(bytes)
  newer[FOOTER_SIZE - 1] = 0x32
  expect(refusal(() => decodeFooter(bytes, 1))?.fault).toBe('totals')
  expect(refusal(() => decodeFooter(newer, 1))?.fault).toBe('version')
  expect(refusal(() => decodeFooter(Buffer.alloc(FOOTER_SIZE), 1))?.fault).toBe('magic')
  expect(refusal(() => decodeFooter(bytes.subarray(1), 1))?.fault).toBe('magic')
})

test.each<[string, TreeEntry[], string, string]>([
  ['a path twice', [file('a'), file('a')], 'order', 'a'],
  ['names out of order', [file('b'), file('a')], 'order', 'a'],
  ['a folder that is entered again', [folder('a'), file('a/x'), file('b'), file('a/y')], 'parent', 'a/y'],
  ['a file below a file', [file('a'), file('a/x')], 'parent', 'a/x'],
  ['a file below a link', [link('a', '.'), file('a/x')], 'parent', 'a/x'],
  ['a folder without an entry', [file('a/x')], 'parent', 'a/x'],
  ['an empty path', [file('')], 'name', ''],
  ['an absolute path', [file('/a')], 'name', '/a'],
  ['a path that leads up', [file('..')], 'name', '..'],
  ['a part "."', [folder('a'), file('a/.')], 'name', 'a/.'],
  ['a trailing slash', [folder('a'), folder('a/')], 'name', 'a/'],
  ['a NUL', [file('a\0')], 'name', 'a\0'],
  ['a backslash', [file('a\\b')], 'name', 'a\\b'],
  ['a drive letter', [file('C:x')], 'name', 'C:x'],
  ['a lone surrogate', [file('a\ud800')], 'name', 'a\ud800'],
  ['a direction mark', [file('a\u202egpj')], 'name', 'a\u202egpj'],
  ['the name of a download under way', [file('f.shoal-part')], 'name', 'f.shoal-part'],
  ['a part of 256 bytes', [file('x'.repeat(256))], 'name', 'x'.repeat(256)],
  ['a mode beyond nine bits', [file('a', 0, { mode: 0o1000 })], 'mode', 'a'],
  ['a time beyond 64 bits', [file('a', 0, { mtimeNs: 2n ** 63n })], 'time', 'a'],
  ['a negative size', [file('a', -1)], 'size', 'a'],
  ['a size beyond the limit', [file('a', MAX_FILE_SIZE)], 'size', 'a'],
  ['a short hash', [file('a', 1, { sha256: Buffer.alloc(31) })], 'hash', 'a'],
  [
    'one hash with two sizes',
    [file('a', 1, { sha256: hashOf('x') }), file('b', 2, { sha256: hashOf('x') })],
    'hash',
    'b',
  ],
  ['an empty target', [link('a', '')], 'target', 'a'],
  ['a target with a NUL', [link('a', 'b\0')], 'target', 'a'],
  ['a target of 4,096 bytes', [link('a', 'x'.repeat(4096))], 'target', 'a'],
])('a tree with %s cannot be published', (_, entries, fault, path) => {
  expect(refusal(() => buildTree(entries))).toEqual({ fault, path })
})

test('a path may have 4,096 bytes and not one more', () => {
  const parts = Array.from({ length: 16 }, (_, i) => (i === 0 ? 'x'.repeat(255) : 'y'.repeat(255)))
  const folders = parts.map((_, i) => folder(parts.slice(0, i + 1).join('/')))
  const last = folders.pop()!.path
  expect(last.length).toBe(4095)
  expect(buildTree([...folders, file(`${last}`)]).index.count).toBe(16)
  const longer = [...folders, folder(`${last.slice(0, -1)}`), file(`${last.slice(0, -1)}/z`)]
  expect(longer.at(-1)!.path.length).toBe(4096)
  expect(buildTree(longer).index.path(16)).toBe(longer.at(-1)!.path)
  longer.push(file(`${last.slice(0, -1)}/zz`))
  expect(refusal(() => buildTree(longer))).toEqual({ fault: 'path-length', path: longer.at(-1)!.path })
})

test('files whose hashes all begin alike are refused instead of compared with each other', () => {
  const crafted = Array.from({ length: 5000 }, (_, i) => {
    const sha256 = Buffer.alloc(32)
    sha256.writeUInt32BE(i, 28)
    return file(`f${String(i).padStart(5, '0')}`, 1, { sha256 })
  })
  expect(refusal(() => buildTree(crafted))?.fault).toBe('hash')
})

test('an entry count above the limit is refused while encoding', () => {
  function* entries(): Generator<TreeEntry> {
    for (let i = 0; i <= 1_000_000; i++) yield folder(String(i).padStart(7, '0'))
  }
  expect(
    refusal(() => {
      for (const _ of encodeManifest(entries()));
    })?.fault,
  ).toBe('limit')
})

test('100,000 entries take about a hundred bytes each in an index, and the pages stay small', () => {
  const count = 100_000
  function* entries(): Generator<TreeEntry> {
    for (let i = 0; i < count; i++) {
      const path = `d${String(Math.floor(i / 1000)).padStart(4, '0')}`
      yield i % 1000 === 0 ? folder(path) : file(`${path}/file${String(i).padStart(7, '0')}.js`, 100)
    }
  }
  const { index, trailer } = buildTree(entries())
  expect(index.count).toBe(count)
  expect(index.byteLength / count).toBeLessThan(110)
  expect(Math.max(...trailer.map((page) => page.length))).toBeLessThanOrEqual(256 * 1024)
  expect([...decodeManifest(trailer.slice(0, -1), index.footer)].length).toBe(count)
})
