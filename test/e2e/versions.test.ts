import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ada, bob, useTwoHomes } from '../support/two-homes.ts'

useTwoHomes({ withPeers: true })

interface Uploaded {
  files: { name: string; fileId: string; version: number }[]
}

/** Each version is a file or folder of its own, because ada's peer serves what is on its disk. */
async function publish(name: string, path: string, content: string): Promise<Uploaded['files'][number]> {
  mkdirSync(dirname(join(ada.folder, path)), { recursive: true })
  writeFileSync(join(ada.folder, path), content)
  const { files } = await ada.ok<Uploaded>(`peer upload ${path} --group team --as ${name}`)
  return files[0]!
}
const read = (path: string): string => readFileSync(join(bob.folder, path), 'utf8')

test('a version of a file is downloaded by number, tag, id and as the newest', async () => {
  const [one] = [await publish('tool', 'tool-1', 'one'), await publish('tool', 'tool-2', 'two')]
  await publish('tool', 'tool-3', 'three')
  expect(await ada.ok('group tag team:tool@2 stable')).toMatchObject({
    tag: { name: 'tool', tag: 'stable', version: 2, by: 'ada' },
  })
  for (const [selector, content] of [
    ['1', 'one'],
    ['stable', 'two'],
    ['latest', 'three'],
    [`sha256:${one.fileId.slice(0, 12)}`, 'one'],
  ]) {
    // Without -o the file has its own name, and replaces the version that is there.
    const answer = await bob.ok(`peer download team:tool@${selector}`)
    expect(answer).toMatchObject({ files: [{ name: 'tool', path: join(bob.folder, 'tool') }] })
    expect(read('tool')).toBe(content)
  }
  expect(await bob.fails('peer download team:tool@4')).toMatchObject({ exit: 5, code: 'VERSION_NOT_FOUND' })
  expect(await bob.fails('peer download team:tool@beta')).toMatchObject({
    exit: 5,
    code: 'VERSION_NOT_FOUND',
  })
})

test('a file whose whole name matches wins over a version', async () => {
  await publish('note', 'note-1', 'first')
  await publish('note', 'note-2', 'second')
  await publish('note@1', 'note-at', 'at')
  await bob.ok('peer download team:note@1 -o whole')
  expect(read('whole')).toBe('at')
  await bob.ok('peer download team:note@1')
  expect(read('note@1')).toBe('at')
  await bob.ok('peer download team:note@1@latest -o latest')
  expect(read('latest')).toBe('at')
  await bob.ok('peer download team:note@2 -o second')
  expect(read('second')).toBe('second')
})

test('versions of a snapshot are downloaded, whole and in part', async () => {
  const files = ['build-1/bin/tool', 'build-1/readme', 'build-2/bin/tool', 'build-2/new']
  for (const path of files) {
    mkdirSync(dirname(join(ada.folder, path)), { recursive: true })
    writeFileSync(join(ada.folder, path), `${path}\n`, { mode: 0o755 })
  }
  for (const build of [1, 2]) await ada.ok(`peer upload build-${build} --group team --as app`)
  await ada.ok('group tag team:app@1 stable')
  await bob.ok('peer download team:app@1 -o old')
  expect(read('old/bin/tool')).toBe('build-1/bin/tool\n')
  expect(statSync(join(bob.folder, 'old/bin/tool')).mode & 0o111).not.toBe(0)
  await bob.ok('peer download team:app@stable')
  expect(read('app/readme')).toBe('build-1/readme\n')
  await bob.ok('peer download team:app@stable/bin/tool -o part')
  expect(read('part')).toBe('build-1/bin/tool\n')
  await bob.ok('peer download team:app -o new')
  expect(read('new/new')).toBe('build-2/new\n')
  expect(existsSync(join(bob.folder, 'new/readme'))).toBe(false)
  const { files: listed } = await bob.ok<{ files: object[] }>('group files team app')
  expect(listed).toMatchObject([{ name: 'app', version: 2, kind: 'snapshot', entries: 3 }])
})

test('a name is a file or a folder, never both', async () => {
  await publish('lib', 'lib-file', 'a file')
  await publish('src/main', 'main', 'below')
  writeFileSync(join(ada.folder, 'other'), 'other')
  expect(await ada.fails('peer upload other --group team --as lib/x')).toMatchObject({
    exit: 6,
    code: 'NAME_CONFLICT',
  })
  expect(await ada.fails('peer upload other --group team --as src')).toMatchObject({
    exit: 6,
    code: 'NAME_CONFLICT',
  })
})

test('versions, tags and the history of tags are listed', async () => {
  await publish('data', 'data-1', 'one')
  await publish('data', 'data-2', 'two')
  await ada.ok('group tag team:data@1 stable')
  await ada.ok('group tag team:data@latest edge')
  await ada.ok('group tag team:data@edge stable')
  expect(await bob.ok('group files team data --versions')).toMatchObject({
    versions: [
      { version: 2, kind: 'file', entries: null, uploader: 'ada', tags: ['edge', 'stable'] },
      { version: 1, kind: 'file', tags: [] },
    ],
  })
  expect(await bob.ok('group tags team:data')).toMatchObject({
    tags: [
      { tag: 'edge', version: 2 },
      { tag: 'stable', version: 2, by: 'ada' },
    ],
  })
  expect(await bob.fails('group untag team:data@edge')).toMatchObject({ exit: 4, code: 'NOT_AN_ADMIN' })
  expect(await ada.ok('group untag team:data@edge')).toMatchObject({ name: 'data', tag: 'edge' })
  expect(await bob.ok('group tags team:data --history')).toMatchObject({
    changes: [
      { tag: 'edge', from: 2, to: null },
      { tag: 'stable', from: 1, to: 2 },
      { tag: 'edge', from: null, to: 2 },
      { tag: 'stable', from: null, to: 1 },
    ],
  })
  const text = await bob.run('group files team data --versions')
  expect(text.stdout.toString()).toMatch(
    /^VERSION +KIND +ENTRIES +SIZE +TAGS +UPLOADER +ADDED +ID\nv2 +file +- +3 B +stable +ada/,
  )
})

test('wrong tags and selectors are usage errors', async () => {
  for (const command of [
    'group tag team:data 7',
    'group tag team:data latest',
    'group tag team:data Stable',
    'group untag team:data',
    'group untag team:data@1',
    'group files team --versions',
  ])
    expect(await ada.fails(command)).toMatchObject({ exit: 2 })
  expect(await ada.fails('group tag team:none@1 stable')).toMatchObject({ exit: 5, code: 'FILE_NOT_FOUND' })
})
