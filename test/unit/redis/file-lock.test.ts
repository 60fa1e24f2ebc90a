import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withFileLock } from '../../../redis/file-lock.ts'

const USER = join(import.meta.dirname, '../../support/redis/lock-user.ts')

let folder: string
const users: ChildProcess[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-lock-'))
})
afterEach(async () => {
  for (const user of users.splice(0)) await kill(user)
  rmSync(folder, { recursive: true })
})

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** A process that takes the lock once `go` is called. */
async function startUser(times: number): Promise<{ child: ChildProcess; go(): void }> {
  const args = [USER, join(folder, 'lock'), String(times), join(folder, 'witness')]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  users.push(child)
  await once(child.stdout!, 'data')
  return { child, go: () => void child.stdin?.write('go\n') }
}

/** A process that was killed while it held the lock. */
async function dieHolding(): Promise<void> {
  const { child, go } = await startUser(0)
  go()
  await once(child.stdout!, 'data')
  await kill(child)
  rmSync(join(folder, 'witness'))
}

test('one process at a time holds the lock, even after a holder was killed', async () => {
  const racers = await Promise.all(Array.from({ length: 4 }, () => startUser(20)))
  await dieHolding()
  const exits = racers.map(({ child }) => once(child, 'exit'))
  for (const { go } of racers) go()
  expect((await Promise.all(exits)).map(([code]) => code)).toEqual([0, 0, 0, 0])
})

test('two owners in one process wait for each other', async () => {
  const order: string[] = []
  const use = (name: string): Promise<void> =>
    withFileLock(join(folder, 'lock'), async () => {
      order.push(`${name} in`)
      await new Promise((resolve) => setImmediate(resolve))
      order.push(`${name} out`)
    })
  await Promise.all([use('a'), use('b')])
  expect(order).toEqual(['a in', 'a out', 'b in', 'b out'])
})

test("a killed process's lock is free at once", async () => {
  await dieHolding()
  const started = performance.now()
  await expect(withFileLock(join(folder, 'lock'), async () => 'done')).resolves.toBe('done')
  expect(performance.now() - started).toBeLessThan(1000)
})

test('the lock is free again when the work fails', async () => {
  const lock = join(folder, 'lock')
  await expect(withFileLock(lock, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  await expect(withFileLock(lock, async () => 'done')).resolves.toBe('done')
})

test('a lock in a missing folder is a storage error', async () => {
  const lock = join(folder, 'absent', 'lock')
  await expect(withFileLock(lock, async () => {})).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' })
})
