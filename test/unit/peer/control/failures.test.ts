import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Peer } from '../../../../peer/control/api.ts'
import { connectPeer, controlSocket } from '../../../../peer/control/client.ts'
import { startControlServer } from '../../../../peer/control/server.ts'

const never = new AbortController().signal

/** The error that a command gets when the peer of its home fails with `error` in an upload. */
async function told(error: unknown): Promise<unknown> {
  const home = mkdtempSync(join(tmpdir(), 'shoal-control-'))
  const peer = {
    status: async () => ({}),
    upload: () => Promise.reject(error),
  } as unknown as Peer & { shutdown(): void }
  const server = await startControlServer(controlSocket(home), peer)
  try {
    const remote = await connectPeer(home)
    return await remote!
      .upload({ group: 'team', files: [] }, () => {}, never)
      .catch((thrown: unknown) => thrown)
  } finally {
    await server.close()
    rmSync(home, { recursive: true })
  }
}

const system = (code: string, path?: string): Error =>
  Object.assign(new Error(`${code}: it failed, open '${path}'`), { code, ...(path ? { path } : {}) })

test.each([
  'EACCES',
  'EROFS',
  'ENAMETOOLONG',
  'ENOTDIR',
  'ELOOP',
  'EMFILE',
  'EXDEV',
  'EDQUOT',
  'ENOSPC',
  'EIO',
])('a command is told of %s on a path as a storage error that names it', async (code) => {
  expect(await told(system(code, '/data/x'))).toMatchObject({
    kind: 'storage',
    message: '/data/x: it failed',
  })
})

test('a command is told of a failure without a path as a bug', async () => {
  expect(await told(new TypeError('x is undefined'))).toMatchObject({
    code: 'INTERNAL',
    message: 'x is undefined',
  })
  expect(await told('a string')).toMatchObject({ code: 'INTERNAL', message: 'a string' })
})
