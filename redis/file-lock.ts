import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { ShoalError, storageError } from '../protocol/errors.ts'

const WAIT_MS = 15_000

/**
 * Runs `work` while holding `path` as a lock between processes: a file made exclusively, with the holder's
 * process id in it, so that the lock of a process that died is taken over.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + WAIT_MS
  while (!take(path)) {
    if (performance.now() > deadline)
      throw new ShoalError('ALREADY_RUNNING', `another process holds ${path}`, {
        hint: 'wait for it to finish, or remove the file if no such process runs',
      })
    await delay(10)
  }
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

function take(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw storageError(error, path)
    if (!holderIsAlive(path)) rmSync(path, { force: true })
    return false
  }
}

function holderIsAlive(path: string): boolean {
  try {
    const text = readFileSync(path, 'utf8')
    // An empty file is a holder between making the file and writing its id.
    if (text !== '') process.kill(Number(text), 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
