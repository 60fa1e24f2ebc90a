import { randomBytes } from 'node:crypto'
import { CHUNK_SIZE, chunkCount } from '../../../protocol/chunking.ts'
import { masters } from '../../../redis/connect.ts'
import { until } from '../../../testkit/until.ts'
import type { NewFile } from '../../../tracker-store/store.ts'
import { by, code, type Fixture, fresh, makeGroup, newFile } from './fixture.ts'

export function describeFiles(fixture: Fixture): void {
  describe('files', () => {
    async function groupOf(...members: string[]): Promise<string> {
      const group = fresh('files')
      await makeGroup(fixture.a, group, 'ann', ...members)
      return group
    }
    const publish = (user: string, group: string, ...files: NewFile[]) =>
      fixture.a.groups.publish(by(user), group, files)

    test('a published file is version 1, its replacement is version 2, and unchanged content keeps its version', async () => {
      const group = await groupOf('bob')
      const first = await publish('ann', group, newFile('a.bin', 'one'))
      expect(first.files).toMatchObject([{ name: 'a.bin', size: 1000, version: 1, uploader: 'ann' }])
      const second = await publish('bob', group, newFile('a.bin', 'two'))
      expect(second.files).toMatchObject([{ version: 2, uploader: 'bob' }])
      expect(await publish('ann', group, newFile('a.bin', 'two'))).toEqual(second)
      const view = await fixture.b.groups.view(group, second.revision)
      expect(view?.revision).toBe(second.revision)
      expect(view?.files.get('a.bin')).toEqual(second.files[0])
      expect(view?.files.hasContent(newFile('', 'one').fileId)).toBe(false)
      expect(view?.files.hasContent(newFile('', 'two').fileId)).toBe(true)
    })

    test('files are published all or none, and a repeated publish returns the first answer', async () => {
      const group = await groupOf()
      const { hashes: _, ...bare } = newFile('b.bin')
      await expect(publish('ann', group, newFile('a.bin'), bare)).rejects.toEqual(code('HASHES_NEEDED'))
      await expect(publish('ann', group, { ...newFile('a.bin'), hashes: Buffer.alloc(31) })).rejects.toEqual(
        code('HASHES_NEEDED'),
      )
      const mutation = by('ann')
      const files = [newFile('a.bin'), newFile('c.bin'), newFile('a.bin', 'newer')]
      const answer = await fixture.a.groups.publish(mutation, group, files)
      expect(answer.files.map((file) => file.version)).toEqual([1, 1, 2])
      expect(await fixture.b.groups.publish(mutation, group, files)).toEqual(answer)
      expect((await fixture.b.groups.view(group, answer.revision))?.files.size).toBe(2)
    })

    test('a name is a file or a folder, never both, in the group and within one publish', async () => {
      const group = await groupOf()
      const conflict = (...names: string[]) =>
        expect(publish('ann', group, ...names.map((name) => newFile(name)))).rejects.toEqual(
          code('NAME_CONFLICT'),
        )
      await publish('ann', group, newFile('app/bin/x'), newFile('app-b'), newFile('app.c'), newFile('tool'))
      await conflict('app')
      await conflict('app/bin')
      await conflict('tool/a/b')
      await conflict('new', 'new/a')
      await conflict('new/a/b', 'new/a')
      const tree = { entries: 1, files: 1, bytes: 1, trailer: 60 }
      await expect(publish('ann', group, { ...newFile('app'), tree })).rejects.toMatchObject({
        message: expect.stringContaining('app/bin/x'),
      })
      await publish('ann', group, newFile('app-b', 'newer'), newFile('app/bin/y'), newFile('app.d/e'))
      for (const name of ['app/bin/x', 'app/bin/y']) await fixture.a.groups.removeFile(by('ann'), group, name)
      const { files } = await publish('ann', group, { ...newFile('app'), tree })
      expect(files).toMatchObject([{ name: 'app', version: 1, tree }])
      await conflict('app/bin/x')
    })

    test.each(['__proto__', 'constructor', 'päth/mit "quotes"/%d %s', 'a/b\u{1F41F}'])(
      '%s is an ordinary file name',
      async (name) => {
        const group = await groupOf()
        const { revision, files } = await publish('ann', group, newFile(name))
        expect(files[0]?.name).toBe(name)
        expect((await fixture.b.groups.view(group, revision))?.files.page('', '', 10)).toEqual(files)
        await fixture.a.groups.removeFile(by('ann'), group, name)
      },
    )

    /** On a busy machine, 512 MiB keep Redis from answering for so long that clients drop their connections. */
    const bothReady = (): Promise<void> =>
      until(async () => (await fixture.a.ready()) && (await fixture.b.ready()))

    test('the size of the largest possible file stays exact', async () => {
      const group = await groupOf()
      const size = 2 ** 43 - 1
      const { fileId } = newFile('long')
      const staged = `{g:${group}}:staged:${fileId}:ann`
      await fixture.raw.setrange(staged, chunkCount(size) * 32 - 1, 'x')
      await fixture.raw.set(`${staged}:stamp`, 's')
      await bothReady()
      const { files } = await publish('ann', group, { name: 'long', fileId, size, stamp: 's' })
      expect(files[0]?.size).toBe(size)
      await fixture.raw.del(`{g:${group}}:hashes:${fileId}`)
      await bothReady()
    })

    test('hashes beyond Redis’s maximum value size are refused', async () => {
      const page = Buffer.alloc(64)
      await expect(
        fixture.a.hashes.stage(fresh('g'), 'ann', newFile('x').fileId, 2 ** 24 - 1, page),
      ).rejects.toEqual(code('TOO_LARGE'))
    })

    test('only the uploader or an admin can remove a file', async () => {
      const group = await groupOf('bob', 'carl')
      await publish('bob', group, newFile('b.bin'), newFile('c.bin'))
      const remove = (user: string, name: string) => fixture.a.groups.removeFile(by(user), group, name)
      await expect(remove('dora', 'b.bin')).rejects.toEqual(code('NOT_A_MEMBER'))
      await expect(remove('carl', 'b.bin')).rejects.toEqual(code('NOT_AN_ADMIN'))
      await expect(remove('ann', 'x.bin')).rejects.toEqual(code('FILE_NOT_FOUND'))
      await remove('bob', 'b.bin')
      const mutation = by('ann')
      const answer = await fixture.a.groups.removeFile(mutation, group, 'c.bin')
      expect(await fixture.b.groups.removeFile(mutation, group, 'c.bin')).toEqual(answer)
      expect((await fixture.b.groups.view(group, answer.revision))?.files.size).toBe(0)
    })

    test('non-members cannot publish, and nobody can publish to a missing group', async () => {
      const group = await groupOf()
      await expect(publish('bob', group, newFile('a'))).rejects.toEqual(code('NOT_A_MEMBER'))
      await expect(publish('bob', fresh('none'), newFile('a'))).rejects.toEqual(code('GROUP_NOT_FOUND'))
    })
  })

  describe('chunk hashes', () => {
    test('staged pages become the hashes of the file once all are staged', async () => {
      const group = fresh('hashes')
      await makeGroup(fixture.a, group, 'ann', 'bob')
      const packed = randomBytes(5 * 32)
      const { hashes: _, ...file } = newFile('long', 'long', 5 * CHUNK_SIZE)
      const { hashes } = fixture.a
      const stage = (first: number, end: number) =>
        hashes.stage(group, 'ann', file.fileId, first, packed.subarray(first * 32, end * 32))
      await stage(0, 2)
      await expect(stage(3, 5)).rejects.toEqual(code('HASHES_NEEDED'))
      await expect(fixture.a.groups.publish(by('ann'), group, [file])).rejects.toEqual(code('HASHES_NEEDED'))
      await stage(2, 5)
      await stage(2, 5)
      expect(await fixture.b.hashes.staged(group, 'ann', file.fileId, 1, 2)).toEqual(packed.subarray(32, 96))
      expect(await fixture.b.hashes.staged(group, 'bob', file.fileId, 0, 5)).toHaveLength(0)
      expect(await hashes.has(group, file.fileId)).toBe(false)
      const checked = { ...file, stamp: (await hashes.stamp(group, 'ann', file.fileId))! }
      await expect(fixture.a.groups.publish(by('bob'), group, [checked])).rejects.toEqual(
        code('HASHES_NEEDED'),
      )
      await fixture.a.groups.publish(by('ann'), group, [checked])
      expect(await hashes.stamp(group, 'ann', file.fileId)).toBeNull()
      expect(await fixture.b.hashes.has(group, file.fileId)).toBe(true)
      expect(await fixture.b.hashes.read(group, file.fileId, 3, 100)).toEqual(packed.subarray(96))
      expect(await fixture.b.hashes.read(group, file.fileId, 5, 1)).toHaveLength(0)
      expect(await fixture.b.hashes.read(group, file.fileId, 0, 0)).toHaveLength(0)
    })

    test('hashes staged again after the check are not published', async () => {
      const group = fresh('hashes')
      await makeGroup(fixture.a, group, 'ann')
      const { hashes: _, ...file } = newFile('long', 'long', CHUNK_SIZE)
      const stage = () => fixture.a.hashes.stage(group, 'ann', file.fileId, 0, randomBytes(32))
      await stage()
      const stamp = (await fixture.a.hashes.stamp(group, 'ann', file.fileId))!
      await stage()
      const publish = (stamp?: string) =>
        fixture.b.groups.publish(by('ann'), group, [{ ...file, ...(stamp ? { stamp } : {}) }])
      await expect(publish(stamp)).rejects.toEqual(code('HASHES_NEEDED'))
      await expect(publish()).rejects.toEqual(code('HASHES_NEEDED'))
      const now = await fixture.b.hashes.stamp(group, 'ann', file.fileId)
      expect((await publish(now!)).files).toMatchObject([{ name: 'long' }])
    })

    test('an empty file is published with an empty list of hashes', async () => {
      const group = fresh('hashes')
      await makeGroup(fixture.a, group, 'ann')
      const { hashes: _, ...file } = newFile('empty', 'empty', 0)
      await fixture.a.groups.publish(by('ann'), group, [file])
      expect(await fixture.b.hashes.has(group, file.fileId)).toBe(true)
      expect(await fixture.b.hashes.read(group, file.fileId, 0, 10)).toHaveLength(0)
    })

    test('content without a version keeps its hashes for a day, and permanently once it has one again', async () => {
      const group = fresh('hashes')
      await makeGroup(fixture.a, group, 'ann')
      const [one, two] = [newFile('one', 'same'), newFile('two', 'same')]
      const key = `{g:${group}}:hashes:${one.fileId}`
      await fixture.a.groups.publish(by('ann'), group, [one, two])
      await fixture.a.groups.removeFile(by('ann'), group, 'one')
      expect(await fixture.raw.ttl(key)).toBe(-1)
      await fixture.a.groups.publish(by('ann'), group, [newFile('two', 'other')])
      expect(await fixture.raw.ttl(key)).toBe(-1)
      await fixture.a.groups.removeFile(by('ann'), group, 'two')
      expect(await fixture.raw.ttl(key)).toBeGreaterThan(86_000)
      expect(await fixture.b.hashes.has(group, one.fileId)).toBe(true)
      const { hashes: _, ...bare } = one
      await fixture.a.groups.publish(by('ann'), group, [bare])
      expect(await fixture.raw.ttl(key)).toBe(-1)
    })

    test('a removed group leaves no files or hashes', async () => {
      const group = fresh('hashes')
      await makeGroup(fixture.a, group, 'ann')
      const files = Array.from({ length: 2500 }, (_, i) => newFile(`f${i}`))
      await fixture.a.groups.publish(by('ann'), group, files)
      await fixture.a.groups.publish(by('ann'), group, [newFile('f1', 'newer')])
      for (const version of [1, 2]) await fixture.a.versions.tag(by('ann'), group, 'f1', version, 'stable')
      await fixture.a.groups.leave(by('ann'), group)
      const keys = await Promise.all(masters(fixture.raw).map((server) => server.keys(`{g:${group}}:*`)))
      const left = keys.flat().filter((key) => !key.includes(':idem:'))
      expect(left.sort()).toEqual([`{g:${group}}:revision`, `{g:${group}}:stream`])
      expect(await fixture.raw.ttl(`{g:${group}}:stream`)).toBeGreaterThan(86_000)
    })
  })
}
