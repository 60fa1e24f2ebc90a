import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = new URL('../../../', import.meta.url)

test('a process waits for its threads to end, even if an answer comes while they do', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-threads-'))
  try {
    // The main thread sleeps until the second answer is there, and closes the pool before it reads it.
    const script = `
      import { TreePool } from ${JSON.stringify(new URL('peer/tree/pool.ts', ROOT).href)}
      const pool = new TreePool()
      const list = () => pool.list(import.meta.dirname, new AbortController().signal)
      await list()
      list().catch(() => {})
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
      await pool.close()
      console.log('closed')`
    const path = join(folder, 'close.mjs')
    writeFileSync(path, script)
    const { stdout } = await promisify(execFile)(process.execPath, [path])
    expect(stdout).toBe('closed\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
