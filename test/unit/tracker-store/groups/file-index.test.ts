import fc from 'fast-check'
import { isBelow } from '../../../../protocol/names.ts'
import type { FileRecord } from '../../../../protocol/records.ts'
import { SortedFiles } from '../../../../tracker-store/groups/file-index.ts'

const file = (name: string, fileId = `id of ${name}`): FileRecord => ({
  name,
  fileId,
  size: 1,
  version: 1,
  uploader: 'ann',
  added: '2026-01-01T00:00:00.000Z',
})
const names = (files: FileRecord[]): string[] => files.map(({ name }) => name)

describe('the files of a group', () => {
  test('a page of a folder has the folder’s own name and everything below it, not its neighbours', () => {
    const index = SortedFiles.from(['a', 'a-b', 'a.txt', 'a/b', 'a/b/c', 'a0', 'b'].map((name) => file(name)))
    expect(names(index.page('a', '', 10))).toEqual(['a', 'a/b', 'a/b/c'])
    expect(names(index.page('a/b', '', 10))).toEqual(['a/b', 'a/b/c'])
    expect(names(index.page('', 'a.txt', 2))).toEqual(['a/b', 'a/b/c'])
    expect(names(index.page('a', 'a', 1))).toEqual(['a/b'])
    expect(names(index.page('a', 'a-b', 10))).toEqual(['a/b', 'a/b/c'])
    expect(names(index.page('a', 'a/b/c', 10))).toEqual([])
    expect(names(index.page('', '', 0))).toEqual([])
    expect(names(index.page('x', '', 10))).toEqual([])
  })

  test('all pages together are exactly the files below the prefix, whatever the names', () => {
    const part = fc.constantFrom('a', 'b', 'a-', '__proto__', '0', '.x')
    const name = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
    const prefix = fc.option(name, { nil: '' })
    fc.assert(
      fc.property(fc.array(name), prefix, fc.integer({ min: 1, max: 5 }), (all, below, limit) => {
        const index = SortedFiles.from(all.map((each) => file(each)))
        const found: string[] = []
        for (;;) {
          const page = names(index.page(below, found.at(-1) ?? '', limit))
          found.push(...page)
          if (page.length < limit) break
        }
        expect(found).toEqual([...new Set(all)].filter((each) => isBelow(each, below)).sort())
      }),
      { verbose: 1 },
    )
  })

  test('content exists as long as one name has it', () => {
    let index = SortedFiles.empty.with(file('a', 'same')).with(file('b', 'same'))
    expect(index.without('a').hasContent('same')).toBe(true)
    index = index.with(file('a', 'other')).with(file('a', 'other'))
    expect(index.hasContent('other')).toBe(true)
    index = index.without('b').without('b')
    expect([index.hasContent('same'), index.hasContent('other'), index.size]).toEqual([false, true, 1])
    expect(index.without('a').hasContent('other')).toBe(false)
    expect(index.hasContent('constructor')).toBe(false)
  })

  test('content is found under one of its names, whichever others are removed', () => {
    const content = fc.constantFrom('one', 'two')
    const change = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.option(content))
    fc.assert(
      fc.property(fc.array(change), (changes) => {
        let index = SortedFiles.from([file('a', 'one'), file('b', 'one')])
        for (const [name, id] of changes) {
          index = id === null ? index.without(name) : index.with(file(name, id))
          const all = index.page('', '', 10)
          for (const each of ['one', 'two']) {
            const told = index.ofContent(each)
            expect(told === undefined).toBe(!all.some(({ fileId }) => fileId === each))
            if (told) expect(all.filter(({ fileId }) => fileId === each)).toContain(told)
          }
        }
      }),
      { verbose: 1 },
    )
  })

  test('100,000 files are paged and changed thousands of times a second', () => {
    const all = Array.from({ length: 100_000 }, (_, i) => file(`folder${i % 100}/file${i}`))
    let index = SortedFiles.from(all)
    const start = performance.now()
    for (let i = 0; i < 1000; i++) {
      index.page(`folder${i % 100}`, `folder${i % 100}/file5`, 100)
      index = index.with(file(`folder${i % 100}/new${i}`)).without(`folder${i % 100}/file${i}`)
    }
    expect(index.size).toBe(100_000)
    expect(performance.now() - start).toBeLessThan(1000)
  })
})
