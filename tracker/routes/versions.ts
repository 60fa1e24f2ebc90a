import Type from 'typebox'
import { ShoalError } from '../../protocol/errors.ts'
import type { FileRecord } from '../../protocol/records.ts'
import { checkTag, type SelectedName, selectedNames } from '../../protocol/selector.ts'
import { RevisionBody } from '../../tracker-client/api/schemas.ts'
import {
  ResolvedFile,
  TaggedBody,
  TagHistory,
  TagList,
  TagVersion,
  VersionList,
} from '../../tracker-client/api/version-schemas.ts'
import type { GroupView } from '../../tracker-store/groups/group-view.ts'
import type { TrackerApp } from '../app.ts'
import { mutationOf } from '../auth/authenticate.ts'
import type { Services } from '../services.ts'
import { AtRevision, Change, InGroup, revised, viewAsMember } from './common.ts'

const PAGE = 1000
const Named = { name: Type.String({ minLength: 1, maxLength: 1024 }) }
const Tagged = Type.Object({ ...Named, tag: Type.String({ minLength: 1, maxLength: 64 }) })
/** A version number, or the limit of a page. */
const Positive = (maximum: number) => Type.Optional(Type.Integer({ minimum: 1, maximum }))

/** The versions of files and their tags. */
export function versionRoutes(app: TrackerApp, { store }: Services): void {
  const tags = ['versions']

  app.get(
    '/groups/:group/versions',
    {
      schema: {
        tags,
        headers: AtRevision,
        params: InGroup,
        querystring: Type.Object({
          ...Named,
          before: Positive(Number.MAX_SAFE_INTEGER),
          limit: Positive(PAGE),
        }),
        response: { 200: VersionList },
      },
    },
    async (request, reply) => {
      const { group } = request.params
      const { name, before, limit = PAGE } = request.query
      const { view } = await viewAsMember(store, request, reply, group)
      const [kept, tagged] = await Promise.all([
        store.versions.list(group, name, limit, before),
        store.versions.tags(group, name),
      ])
      if (!kept) throw noFile(group, name)
      const versions = kept.map((file) => ({
        ...file,
        tags: tagged.filter(({ version }) => version === file.version).map(({ tag }) => tag),
      }))
      const next = kept.length === limit ? (kept.at(-1)?.version ?? null) : null
      return { versions, next, revision: view.revision }
    },
  )

  /** The one file that "NAME", "NAME@SELECTOR", or a path in the tree of such a snapshot means. */
  app.get(
    '/groups/:group/resolve',
    {
      schema: {
        tags,
        headers: AtRevision,
        params: InGroup,
        querystring: Type.Object({ target: Type.String({ minLength: 1, maxLength: 5200 }) }),
        response: { 200: ResolvedFile },
      },
    },
    async (request, reply) => {
      const { group } = request.params
      const { target } = request.query
      const has = (known: GroupView): boolean => meaningOf(known, target) !== null
      const { view } = await viewAsMember(store, request, reply, group, has)
      const meaning = meaningOf(view, target)
      if (meaning === null) throw noFile(group, target)
      if ('file' in meaning) return { ...meaning, revision: view.revision }
      const { name, selector, path } = meaning
      const file = await store.versions.find(group, name, selector)
      if (path !== '' && !file.tree) throw noFile(group, target)
      return { file, path, revision: view.revision }
    },
  )

  app.get(
    '/groups/:group/tags',
    {
      schema: {
        tags,
        headers: AtRevision,
        params: InGroup,
        querystring: Type.Object(Named),
        response: { 200: TagList },
      },
    },
    async (request, reply) => {
      const { group } = request.params
      const { name } = request.query
      const view = await viewWithFile(request, reply, group, name)
      return { tags: await store.versions.tags(group, name), revision: view.revision }
    },
  )

  app.get(
    '/groups/:group/tags/history',
    {
      schema: {
        tags,
        headers: AtRevision,
        params: InGroup,
        querystring: Type.Object({ ...Named, tag: Type.Optional(Tagged.properties.tag) }),
        response: { 200: TagHistory },
      },
    },
    async (request, reply) => {
      const { group } = request.params
      const { name, tag } = request.query
      const view = await viewWithFile(request, reply, group, name)
      return { changes: await store.versions.tagHistory(group, name, tag), revision: view.revision }
    },
  )

  app.put(
    '/groups/:group/tags',
    {
      schema: {
        tags,
        headers: Change,
        params: InGroup,
        querystring: Tagged,
        body: TagVersion,
        response: { 200: TaggedBody },
      },
    },
    async (request, reply) => {
      const { group } = request.params
      const { name, tag } = request.query
      const { version } = request.body
      const mutation = mutationOf(request)
      return revised(reply, await store.versions.tag(mutation, group, name, version, checkTag(tag)))
    },
  )

  app.delete(
    '/groups/:group/tags',
    {
      schema: {
        tags,
        headers: Change,
        params: InGroup,
        querystring: Tagged,
        response: { 200: RevisionBody },
      },
    },
    async (request, reply) => {
      const { group } = request.params
      const { name, tag } = request.query
      return revised(reply, await store.versions.untag(mutationOf(request), group, name, tag))
    },
  )

  /** The group's view, for a member. Throws FILE_NOT_FOUND if it has no file of this name. */
  async function viewWithFile(
    request: Parameters<typeof viewAsMember>[1],
    reply: Parameters<typeof viewAsMember>[2],
    group: string,
    name: string,
  ): Promise<GroupView> {
    const { view } = await viewAsMember(
      store,
      request,
      reply,
      group,
      ({ files }) => files.get(name) !== undefined,
    )
    if (view.files.get(name) === undefined) throw noFile(group, name)
    return view
  }
}

/**
 * The meaning of a target among the newest files: a file's whole name, else a version of a file, else a path in the tree
 * of a snapshot. Null if it has none.
 */
function meaningOf(
  view: GroupView,
  target: string,
): { file: FileRecord; path: string } | SelectedName | null {
  const file = view.files.get(target)
  if (file) return { file, path: '' }
  for (const selected of selectedNames(target)) if (view.files.get(selected.name)) return selected
  return snapshotAbove(view, target)
}

/** The snapshot in whose tree `target` may be. */
function snapshotAbove(view: GroupView, target: string): { file: FileRecord; path: string } | null {
  for (let slash = target.lastIndexOf('/'); slash > 0; slash = target.lastIndexOf('/', slash - 1)) {
    const file = view.files.get(target.slice(0, slash))
    if (file?.tree) return { file, path: target.slice(slash + 1) }
    if (file) break
  }
  return null
}

const noFile = (group: string, name: string): ShoalError =>
  new ShoalError('FILE_NOT_FOUND', `${group} has no file ${JSON.stringify(name)}`, {
    hint: `see what there is: shoal group files ${group}`,
  })
