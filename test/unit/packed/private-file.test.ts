import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writePrivateFile, writePrivateFileSync } from '../../../packed/private-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-private-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe.each([
  ['writePrivateFile', writePrivateFile],
  ['writePrivateFileSync', async (file: string, data: string) => writePrivateFileSync(file, data)],
])('%s', (_, write) => {
  test('creates the folder and the file for the owner alone, and replaces the file', async () => {
    const file = join(folder, 'new', 'file')
    await write(file, 'one')
    expect(statSync(join(folder, 'new')).mode & 0o777).toBe(0o700)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    await write(file, 'two')
    expect(readFileSync(file, 'utf8')).toBe('two')
    expect(readdirSync(join(folder, 'new'))).toEqual(['file'])
  })

  test('a failed write throws a storage error, and leaves what was there and no draft', async () => {
    mkdirSync(join(folder, 'taken'))
    writeFileSync(join(folder, 'taken', 'inside'), 'kept')
    await expect(write(join(folder, 'taken'), 'data')).rejects.toMatchObject({ kind: 'storage' })
    await expect(write(join(folder, 'taken', 'inside', 'below'), 'data')).rejects.toMatchObject({
      kind: 'storage',
    })
    expect(readdirSync(folder)).toEqual(['taken'])
    expect(readFileSync(join(folder, 'taken', 'inside'), 'utf8')).toBe('kept')
  })
})
