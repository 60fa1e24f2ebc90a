import { join } from 'node:path'
import type { FileList, ListedFile } from '../../tracker-client/api/schemas.ts'
import type { ListedVersion, VersionList } from '../../tracker-client/api/version-schemas.ts'
import { TrackerClient } from '../../tracker-client/client.ts'
import type { FailoverMemory, FailoverState } from '../../tracker-client/failover-state.ts'
import { readPrivateJson, writePrivateJson } from './private-file.ts'
import { currentToken } from './session.ts'

/** A client with the home's session. It keeps its memory of the trackers in the home. */
export function trackerClient(home: string, trackers: readonly string[]): TrackerClient {
  return new TrackerClient({ trackers, token: currentToken(home), memory: homeMemory(home) })
}

function homeMemory(home: string): FailoverMemory {
  const file = join(home, 'state.json')
  return {
    load: () => {
      const state = readPrivateJson(file) as Partial<FailoverState> | null
      return { last: state?.last ?? null, failed: state?.failed ?? {}, revisions: state?.revisions ?? {} }
    },
    save: (state) => writePrivateJson(file, state),
  }
}

/** All files of a group that are `prefix` or below it, by name. */
export async function allFiles(client: TrackerClient, group: string, prefix: string): Promise<ListedFile[]> {
  const files: ListedFile[] = []
  let after: string | null = ''
  while (after !== null) {
    const page: FileList = await client.files(group, { prefix, after })
    files.push(...page.files)
    after = page.next
  }
  return files
}

/** All kept versions of a file, newest first. */
export async function allVersions(
  client: TrackerClient,
  group: string,
  name: string,
): Promise<ListedVersion[]> {
  const versions: ListedVersion[] = []
  let before: number | null | undefined
  while (before !== null) {
    const page: VersionList = await client.versions(group, name, before === undefined ? {} : { before })
    versions.push(...page.versions)
    before = page.next ?? null
  }
  return versions
}
