import { join } from 'node:path'
import { clientRequest } from '../../testkit/http.ts'
import type { FileList } from '../../tracker-client/api/schemas.ts'
import { TrackerClient } from '../../tracker-client/client.ts'
import type { Bench } from '../lib/bench.ts'
import { withPinnedReplica } from '../lib/cores.ts'
import { Load, loadsInTurns, measurementsOf } from '../lib/wrk.ts'
import { GROUP, populate } from './population.ts'

const PAGE = 100

/** Members page through a group of 1,000 files, sending the revision that they have seen. */
export const fileLists: Bench = {
  name: 'file-lists',
  about: `pages of ${PAGE} of a group's 1,000 files, from one replica on one core`,
  needs: ['wrk', 'taskset'],
  async run({ quick }, report) {
    await withPinnedReplica(async (url, fleet) => {
      const { users, files } = await populate(fleet, { users: quick ? 20 : 1000, files: 1000 })
      const token = users[0]!.token
      const page = await new TrackerClient({ trackers: [url], token }).files(GROUP, {
        limit: PAGE,
      })
      const pages = pagePaths([...files.keys()], page)
      const requests = users.flatMap(({ token }) =>
        pages.map((of) =>
          clientRequest(url, 'GET', of, {
            authorization: `Bearer ${token}`,
            'shoal-revision': String(page.revision),
          }),
        ),
      )
      const load = new Load(join(fleet.redis.folder, 'reads'), url, requests)
      const { runs } = await loadsInTurns({ runs: load }, quick)
      for (const figure of measurementsOf(`pages of ${PAGE} of 1,000 files`, runs, { rate: 8000 }))
        report(figure)
    })
  },
}

function pagePaths(names: readonly string[], first: FileList): string[] {
  if (first.files.length !== PAGE || first.next !== names[PAGE - 1])
    throw new Error('the first page differs from the published files')
  const after = names.filter((_, i) => i % PAGE === PAGE - 1).slice(0, -1)
  const path = `/v1/groups/${GROUP}/files?limit=${PAGE}`
  return [path, ...after.map((name) => `${path}&after=${encodeURIComponent(name)}`)]
}
