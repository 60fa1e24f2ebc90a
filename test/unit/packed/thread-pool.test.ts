import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const POOL = new URL('../../../peer/tree/pool.ts', import.meta.url).href

test('a pool that is closed while an answer is on its way keeps the process alive until its threads ended', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-pool-'))
  // The answer is posted while this thread does not look, so it arrives after close().
  const script = `
    import { existsSync } from 'node:fs'
    import { TreePool } from ${JSON.stringify(POOL)}
    const folder = import.meta.dirname
    const pool = new TreePool()
    const entry = (path) => ({ path, kind: 'folder', mode: 0o700, mtimeNs: 0n, target: '' })
    await pool.place(folder, 'make', [entry('warm')], AbortSignal.timeout(60_000))
    pool.place(folder, 'make', [entry('made')], AbortSignal.timeout(60_000)).catch(() => {})
    await null
    while (!existsSync(folder + '/made'));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
    await pool.close()
    console.log('closed')
  `
  try {
    const program = join(folder, 'program.mjs')
    writeFileSync(program, script)
    const { stdout } = await promisify(execFile)(process.execPath, [program])
    expect(stdout).toBe('closed\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 60_000)
