import { execFileSync } from 'node:child_process'
import { linkSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isStream } from '../../../../../cli/peer/stream-node.ts'
import { checkTarget, giveName, type Wanted } from '../../../../../peer/download/disk/overwriting.ts'
import { HashPool } from '../../../../../peer/hash/pool.ts'
import { Catalog, type CatalogEntry } from '../../../../../peer/serve/catalog.ts'
import { content } from '../../../../support/peer/content.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-name-'))
  writeFileSync(join(folder, 'new'), 'new')
})
afterEach(() => rmSync(folder, { recursive: true }))

const [from, to] = [() => join(folder, 'new'), () => join(folder, 'target')]

test('a file that came to an empty target meanwhile is not replaced', async () => {
  writeFileSync(to(), 'somebody else')
  await expect(giveName(from(), to(), null)).rejects.toMatchObject({ code: 'PATH_IN_THE_WAY' })
  expect(readFileSync(to(), 'utf8')).toBe('somebody else')
  expect(readFileSync(from(), 'utf8')).toBe('new')
})

test('a file that was written to since it was looked at is not replaced', async () => {
  writeFileSync(to(), 'old')
  const state = lstatSync(to(), { bigint: true })
  writeFileSync(to(), 'older and longer')
  await expect(giveName(from(), to(), state)).rejects.toMatchObject({ code: 'PATH_IN_THE_WAY' })
  expect(readFileSync(to(), 'utf8')).toBe('older and longer')
})

test('the file that was looked at is replaced, and with "any file" another one too', async () => {
  writeFileSync(to(), 'old')
  linkSync(from(), join(folder, 'newer'))
  await giveName(from(), to(), lstatSync(to(), { bigint: true }))
  expect(readFileSync(to(), 'utf8')).toBe('new')
  await giveName(join(folder, 'newer'), to(), 'any file')
  expect(readFileSync(to(), 'utf8')).toBe('new')
})

test.each([
  ['a FIFO', '/home/x/pipe', 'FIFO', true],
  ['a character device', '/dev/null', 'CharacterDevice', true],
  ['a block device', '/dev/sda', 'BlockDevice', true],
  ['a descriptor of the process, also of a file', '/dev/stdout', 'none', true],
  ['a file', '/home/x/file', 'none', false],
])('%s is written to in order: %s', (_, path, kind, expected) => {
  const is = (asked: string) => (): boolean => kind === asked
  const stat = {
    isFIFO: is('FIFO'),
    isCharacterDevice: is('CharacterDevice'),
    isBlockDevice: is('BlockDevice'),
  }
  expect(isStream(path, stat)).toBe(expected)
})

test('a name that a repeated link has already given counts as given', async () => {
  linkSync(from(), to())
  await giveName(from(), to(), null)
  expect(readdirSync(folder)).toEqual(['target'])
})

test('no file takes the place of a FIFO, not even one that may replace any file', async () => {
  execFileSync('mkfifo', [to()])
  await expect(giveName(from(), to(), 'any file')).rejects.toMatchObject({ code: 'PATH_IN_THE_WAY' })
  expect(lstatSync(to()).isFIFO()).toBe(true)
})

describe('before a download', () => {
  const [OLD, NEW] = [content(1000), content(1001)]
  const pool = new HashPool()
  afterAll(() => pool.close())
  let catalog: Catalog
  beforeEach(() => {
    catalog = new Catalog(folder)
    writeFileSync(to(), OLD.data)
  })
  afterEach(() => catalog.close())

  const check = (wanted: Partial<Wanted> = {}): ReturnType<typeof checkTarget> => {
    const { fileId, size } = NEW
    const all = { group: 'team', name: 'report', fileId, size, path: to(), force: false, ...wanted }
    return checkTarget(all, { catalog, hashPool: pool }, new AbortController().signal)
  }

  /** Records the old content at the path as this home's copy. */
  async function own(more: Partial<CatalogEntry> = {}): Promise<CatalogEntry> {
    const { mtimeNs, ino } = lstatSync(to(), { bigint: true })
    const { fileId, size } = OLD
    const place = { group: 'team', name: 'report', path: to(), mtimeNs, ino }
    const entry = { ...place, fileId, size, fault: null, ...more }
    await catalog.put(entry, OLD.hashes)
    return entry
  }

  const old = (): object => ({ here: null, replaceable: { ino: lstatSync(to(), { bigint: true }).ino } })
  const refused = expect.objectContaining({ code: 'PATH_IN_THE_WAY' })

  test("a copy of an earlier version may be replaced, another name's copy may not", async () => {
    await own()
    expect(await check()).toMatchObject(old())
    await expect(check({ name: 'other' })).rejects.toEqual(refused)
  })

  test('a copy that the group has removed since may be replaced, unless somebody wrote to it', async () => {
    catalog.remove(await own())
    expect(await check()).toMatchObject(old())
    writeFileSync(to(), 'my notes')
    await expect(check()).rejects.toEqual(refused)
  })

  test('a copy that is known to be damaged is not taken for the wanted content', async () => {
    writeFileSync(to(), Buffer.alloc(OLD.size))
    const entry = await own({ fault: 'damaged' })
    expect(await check({ fileId: entry.fileId, size: entry.size })).toMatchObject(old())
  })

  test('a file with the wanted content stays, whoever put it there and with --force too', async () => {
    const { fileId, size, hashes } = OLD
    for (const force of [false, true]) {
      const { here } = await check({ fileId, size, force })
      expect(here?.hashes()).toEqual(new Uint8Array(hashes))
    }
  })

  test('--force allows any file to be replaced, and no FIFO', async () => {
    await expect(check()).rejects.toEqual(refused)
    expect(await check({ force: true })).toEqual({ here: null, replaceable: 'any file' })
    rmSync(to())
    execFileSync('mkfifo', [to()])
    await expect(check({ force: true })).rejects.toEqual(refused)
  })
})
