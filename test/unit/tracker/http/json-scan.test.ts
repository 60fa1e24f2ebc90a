import { JsonScan } from '../../../../tracker/http/json-scan.ts'

/** The result of scanning a text in pieces of this length. */
function scanned(text: string, depth: number, values: number, piece = 7): string | null {
  const bytes = Buffer.from(text)
  const scan = new JsonScan(depth, values)
  for (let at = 0; at < bytes.length; at += piece) {
    const fault = scan.push(bytes.subarray(at, at + piece))
    if (fault) return fault
  }
  return null
}

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

test('arrays and objects may nest as deep as the limit and no deeper', () => {
  expect(scanned(nested(16), 16, 1000)).toBeNull()
  expect(scanned(nested(17), 16, 1000)).toBe('deep')
  expect(scanned(`${'{"a":'.repeat(16)}1${'}'.repeat(16)}`, 16, 1000)).toBeNull()
  expect(scanned(`${'{"a":'.repeat(17)}1${'}'.repeat(17)}`, 16, 1000)).toBe('deep')
  expect(scanned(`[${'[],'.repeat(100)}[]]`, 2, 1000)).toBeNull()
})

test('a text may have as many values as the limit and no more', () => {
  expect(scanned('[1,2,3]', 16, 4)).toBeNull()
  expect(scanned('[1,2,3,4]', 16, 4)).toBe('many')
})

test('brackets, commas and quotes in strings do not count, however the text is split', () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  let state = seed
  const random = (most: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state % most
  }
  const letters = ['[', ']', '{', '}', ',', '"', '\\', '\\\\', '\\"', 'x', 'é', 'x'.repeat(70)]
  for (let i = 0; i < 500; i++) {
    const strings = Array.from({ length: 1 + random(4) }, () =>
      Array.from({ length: random(60) }, () => letters[random(letters.length)]).join(''),
    )
    // Each is an array in an array: two levels, plus its strings, arrays and commas.
    const text = JSON.stringify(strings.map((string) => [string]))
    const values = 1 + 2 * strings.length
    const piece = 1 + random(200)
    const said = [scanned(text, 2, values, piece), scanned(text, 1, 1000, piece), seed]
    expect(said).toEqual([null, 'deep', seed])
    expect([scanned(text, 2, values - 1, piece), seed]).toEqual(['many', seed])
  }
})
