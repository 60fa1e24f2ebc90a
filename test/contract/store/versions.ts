import type { FileRecord } from '../../../protocol/records.ts'
import { parseSelector } from '../../../protocol/selector.ts'
import type { NewFile } from '../../../tracker-store/store.ts'
import { by, code, type Fixture, fresh, makeGroup, newFile } from './fixture.ts'

const KEPT = 1000

export function describeVersions(fixture: Fixture): void {
  async function groupOf(...members: string[]): Promise<string> {
    const group = fresh('versions')
    await makeGroup(fixture.a, group, 'ann', ...members)
    return group
  }
  const publish = (user: string, group: string, ...files: NewFile[]) =>
    fixture.a.groups.publish(by(user), group, files)
  /** Publishes these contents of `name` in this order. */
  const versionsOf = async (group: string, name: string, ...contents: string[]): Promise<FileRecord[]> =>
    (await publish('ann', group, ...contents.map((content) => newFile(name, content, 10)))).files
  const find = (group: string, name: string, selector: string) =>
    fixture.b.versions.find(group, name, parseSelector(selector)!)
  const numbers = (files: FileRecord[] | null) => files?.map(({ version }) => version)
  const isKept = async (group: string, content: string): Promise<boolean> => {
    const { fileId } = newFile('', content)
    return (await fixture.b.versions.contents(group, [fileId])).has(fileId)
  }

  describe('versions', () => {
    test('all versions of a file are listed newest first in pages, without the stream', async () => {
      const group = await groupOf()
      const made = await versionsOf(group, 'a', 'one', 'two', 'three', 'one')
      await versionsOf(group, 'a-b', 'other', 'another')
      await fixture.raw.del(`{g:${group}}:stream`)
      const { versions } = fixture.b
      expect(await versions.list(group, 'a', 10)).toEqual(made.toReversed())
      expect(numbers(await versions.list(group, 'a', 2))).toEqual([4, 3])
      expect(numbers(await versions.list(group, 'a', 2, 3))).toEqual([2, 1])
      expect(numbers(await versions.list(group, 'a', 1))).toEqual([4])
      expect(await versions.list(group, 'a', 2, 1)).toEqual([])
      expect(await versions.list(group, 'none', 2)).toBeNull()
    })

    test('a replaced version keeps its content and its hashes', async () => {
      const group = await groupOf()
      const [old] = await versionsOf(group, 'a', 'old', 'new')
      expect(await isKept(group, 'old')).toBe(true)
      expect(await fixture.b.hashes.read(group, old!.fileId, 0, 1)).toHaveLength(32)
      expect(await fixture.raw.ttl(`{g:${group}}:hashes:${old!.fileId}`)).toBe(-1)
    })

    test('a version is found by number, by content, by tag, and as the newest', async () => {
      const group = await groupOf()
      const made = await versionsOf(group, 'a', 'one', 'two', 'one', 'three')
      await fixture.a.versions.tag(by('ann'), group, 'a', 2, 'stable')
      await fixture.a.versions.tag(by('ann'), group, 'a', 4, 'edge')
      const { fileId } = made[0]!
      expect(await find(group, 'a', 'latest')).toEqual(made[3])
      expect(await find(group, 'a', '4')).toEqual(made[3])
      expect(await find(group, 'a', '1')).toEqual(made[0])
      expect(await find(group, 'a', 'stable')).toEqual(made[1])
      expect(await find(group, 'a', 'edge')).toEqual(made[3])
      expect(await find(group, 'a', `sha256:${fileId}`)).toEqual(made[2])
      expect(await find(group, 'a', `sha256:${fileId.slice(0, 12)}`)).toEqual(made[2])
      for (const none of ['5', 'sta', `sha256:${newFile('', 'four').fileId}`])
        await expect(find(group, 'a', none)).rejects.toEqual(code('VERSION_NOT_FOUND'))
      await expect(find(group, 'none', '1')).rejects.toEqual(code('FILE_NOT_FOUND'))
    })

    test('the beginning of an id that several contents share finds none', async () => {
      const group = await groupOf()
      const shared = 'ab'.repeat(10)
      const ids = ['1', '2'].map((digit) => shared + digit.repeat(64 - shared.length))
      await publish('ann', group, ...ids.map((fileId) => ({ ...newFile('a'), fileId })))
      await expect(find(group, 'a', `sha256:${shared}`)).rejects.toEqual(code('VERSION_NOT_FOUND'))
      expect((await find(group, 'a', `sha256:${shared}1`)).version).toBe(1)
    })

    test('a removed file has no versions, tags or history, and its next life begins with version 1', async () => {
      const group = await groupOf()
      const made = await versionsOf(group, 'a', 'one', 'two', 'three')
      await fixture.a.versions.tag(by('ann'), group, 'a', 1, 'stable')
      const { revision } = await fixture.a.groups.removeFile(by('ann'), group, 'a')
      const stop = new AbortController()
      for await (const event of fixture.b.groups.events(group, revision - 1, stop.signal)) {
        const older = expect.arrayContaining([made[0]!.fileId, made[1]!.fileId])
        expect(event).toMatchObject({ type: 'file.removed', fileId: made[2]!.fileId, older })
        break
      }
      stop.abort()
      for (const content of ['one', 'two', 'three']) expect(await isKept(group, content)).toBe(false)
      expect(await fixture.raw.ttl(`{g:${group}}:hashes:${made[0]!.fileId}`)).toBeGreaterThan(86_000)
      await versionsOf(group, 'a', 'one')
      expect(numbers(await fixture.b.versions.list(group, 'a', 10))).toEqual([1])
      expect(await fixture.b.versions.tags(group, 'a')).toEqual([])
      expect(await fixture.b.versions.tagHistory(group, 'a')).toEqual([])
    })

    test('the newest 1,000 versions and every tagged one are kept; a version beyond goes with its last tag', async () => {
      const group = await groupOf()
      await versionsOf(group, 'a', 'c1', 'c2', 'c3')
      for (const tag of ['x', 'y']) await fixture.a.versions.tag(by('ann'), group, 'a', 2, tag)
      await versionsOf(group, 'a', ...Array.from({ length: KEPT }, (_, i) => `c${i + 4}`))
      const kept = async () => numbers(await fixture.b.versions.list(group, 'a', KEPT + 10))
      const newest = Array.from({ length: KEPT }, (_, i) => KEPT + 3 - i)
      expect(await kept()).toEqual([...newest, 2])
      expect(await Promise.all(['c1', 'c2', 'c3', 'c4'].map((each) => isKept(group, each)))).toEqual([
        false,
        true,
        false,
        true,
      ])
      await fixture.a.versions.untag(by('ann'), group, 'a', 'x')
      expect(await kept()).toEqual([...newest, 2])
      await fixture.a.versions.tag(by('ann'), group, 'a', KEPT, 'y')
      expect(await kept()).toEqual(newest)
      expect(await isKept(group, 'c2')).toBe(false)
    })

    test('the same content as a snapshot and as a plain file are two versions', async () => {
      const group = await groupOf()
      const tree = { entries: 2, files: 1, bytes: 10, trailer: 60 }
      const plain = newFile('a', 'same')
      const { files } = await publish('ann', group, plain, { ...plain, tree }, { ...plain, tree })
      expect(files.map(({ version, tree }) => [version, tree])).toEqual([
        [1, undefined],
        [2, tree],
        [2, tree],
      ])
    })
  })

  describe('tags', () => {
    test('a tag moves from version to version, and its history tells who moved it', async () => {
      const group = await groupOf('bob')
      const made = await versionsOf(group, 'a', 'one', 'two')
      const { versions } = fixture.a
      await versions.tag(by('ann'), group, 'a', 1, 'stable')
      const moved = await versions.tag(by('ann'), group, 'a', 2, 'stable')
      expect(moved.tag).toMatchObject({ name: 'a', tag: 'stable', version: 2, fileId: made[1]!.fileId })
      await versions.tag(by('ann'), group, 'a', 2, 'beta')
      await versions.untag(by('ann'), group, 'a', 'stable')
      expect((await fixture.b.versions.tags(group, 'a')).map(({ tag, version }) => [tag, version])).toEqual([
        ['beta', 2],
      ])
      expect(await fixture.b.versions.tagHistory(group, 'a', 'stable')).toMatchObject([
        { tag: 'stable', from: 2, to: null, by: 'ann' },
        { tag: 'stable', from: 1, to: 2 },
        { tag: 'stable', from: null, to: 1 },
      ])
      expect(await fixture.b.versions.tagHistory(group, 'a')).toHaveLength(4)
    })

    test('each change of a tag is one event; naming the same version again is none', async () => {
      const group = await groupOf()
      const [one] = await versionsOf(group, 'a', 'one')
      const mutation = by('ann')
      const first = await fixture.a.versions.tag(mutation, group, 'a', 1, 'stable')
      expect(await fixture.b.versions.tag(mutation, group, 'a', 1, 'stable')).toEqual(first)
      expect(await fixture.a.versions.tag(by('ann'), group, 'a', 1, 'stable')).toEqual(first)
      const { revision } = await fixture.a.versions.untag(by('ann'), group, 'a', 'stable')
      expect(revision).toBe(first.revision + 1)
      const stop = new AbortController()
      const events = []
      for await (const event of fixture.b.groups.events(group, first.revision - 1, stop.signal))
        if (events.push(event) === 2) break
      stop.abort()
      expect(events).toMatchObject([
        {
          type: 'file.tagged',
          name: 'a',
          tag: 'stable',
          version: 1,
          fileId: one!.fileId,
          from: null,
          by: 'ann',
        },
        { type: 'file.untagged', name: 'a', tag: 'stable', version: 1 },
      ])
      expect((await fixture.b.groups.view(group, revision))?.files.get('a')).toEqual(one)
    })

    test('only the uploader of the newest version or an admin may change a tag', async () => {
      const group = await groupOf('bob', 'carl')
      await publish('bob', group, newFile('a'))
      const { versions } = fixture.a
      await expect(versions.tag(by('dora'), group, 'a', 1, 't')).rejects.toEqual(code('NOT_A_MEMBER'))
      await expect(versions.tag(by('carl'), group, 'a', 1, 't')).rejects.toEqual(code('NOT_AN_ADMIN'))
      await versions.tag(by('bob'), group, 'a', 1, 't')
      await expect(versions.untag(by('carl'), group, 'a', 't')).rejects.toEqual(code('NOT_AN_ADMIN'))
      await versions.untag(by('ann'), group, 'a', 't')
      await expect(versions.untag(by('ann'), group, 'a', 't')).rejects.toEqual(code('VERSION_NOT_FOUND'))
      await expect(versions.tag(by('ann'), group, 'a', 2, 't')).rejects.toEqual(code('VERSION_NOT_FOUND'))
      await expect(versions.tag(by('ann'), group, 'b', 1, 't')).rejects.toEqual(code('FILE_NOT_FOUND'))
      await expect(versions.tag(by('ann'), fresh('none'), 'b', 1, 't')).rejects.toEqual(
        code('GROUP_NOT_FOUND'),
      )
    })

    test('the newest 100 changes of a tag are kept, and a name has at most 1,000 tags', async () => {
      const group = await groupOf()
      await versionsOf(group, 'a', 'one', 'two')
      const { versions } = fixture.a
      const tag = (version: number, name: string) => versions.tag(by('ann'), group, 'a', version, name)
      await tag(1, 'rare')
      for (let i = 0; i < 101; i++) await tag(1 + (i % 2), 'often')
      const history = await fixture.b.versions.tagHistory(group, 'a', 'often')
      expect(history).toHaveLength(100)
      expect(history.at(-1)).toMatchObject({ from: 1, to: 2 })
      expect(await fixture.b.versions.tagHistory(group, 'a', 'rare')).toHaveLength(1)
      // In slices: a command that waits for too long behind others counts as an outage.
      for (let first = 0; first < 998; first += 50)
        await Promise.all(
          Array.from({ length: Math.min(50, 998 - first) }, (_, i) => tag(1, `t${first + i}`)),
        )
      await expect(tag(1, 'more')).rejects.toEqual(code('TOO_MANY_TAGS'))
      await tag(2, 't7')
      expect(await fixture.b.versions.tags(group, 'a')).toHaveLength(1000)
      expect(await fixture.b.versions.tagHistory(group, 'a')).toHaveLength(1000)
    })
  })
}
