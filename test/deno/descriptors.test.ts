import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/**
 * Deno 2.7.12 to 2.9.5 closed each unix socket twice: about 400 of these sockets closed another thread's
 * file.
 */
test('closing a unix socket closes no file descriptor of another thread', () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-descriptors-'))
  try {
    const words = ['run', '-A', join(root, 'test/support/descriptors.ts'), folder, '500']
    const answer = execFileSync(join(root, 'scripts/deno'), words, { cwd: root, encoding: 'utf8' })
    expect(JSON.parse(answer)).toEqual({ lost: 0 })
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 60_000)
